# The roles, for the workflows; the boundary, for the Terraform of the environment.

output "plan_role_arn" {
  description = "Role that plans."
  value       = aws_iam_role.plan.arn
}

output "deploy_role_arn" {
  description = "Role that deploys."
  value       = aws_iam_role.deploy.arn
}

output "boundary_arn" {
  description = "Boundary of the roles that the deploy role may make."
  value       = aws_iam_policy.boundary.arn
}
