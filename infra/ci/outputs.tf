# What the repository on GitHub must be told.

output "github_roles" {
  description = "Value of the repository variable TOWPATH_ROLES, as JSON. With several accounts, merge their objects into one."
  value = jsonencode({
    for name, environment in module.environment : name => {
      plan   = environment.plan_role_arn
      deploy = environment.deploy_role_arn
    }
  })
}

output "boundary_arns" {
  description = "Permissions boundary that the roles of each environment must carry for CI to make or change them."
  value       = { for name, environment in module.environment : name => environment.boundary_arn }
}
