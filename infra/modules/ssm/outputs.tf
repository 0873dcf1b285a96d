# Names and ARNs; values stay in SSM.

output "parameter_names" {
  description = "Full parameter names, sorted."
  value       = sort([for parameter in aws_ssm_parameter.this : parameter.name])
}

output "parameter_arns" {
  description = "ARN of each parameter by the secret's name."
  value       = { for name, parameter in aws_ssm_parameter.this : name => parameter.arn }
}
