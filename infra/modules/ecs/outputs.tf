# What others need of cluster and service.

output "cluster_name" {
  description = "Name of the cluster."
  value       = local.cluster_name
}

output "service_name" {
  description = "Name of the service."
  value       = local.service_name
}

output "task_definition_arn" {
  description = "Task definition, with revision, that the service was asked to run."
  value       = aws_ecs_task_definition.this.arn
}

output "log_group_name" {
  description = "Log group of the application."
  value       = aws_cloudwatch_log_group.this.name
}

output "execution_role_arn" {
  description = "Role with which ECS starts tasks."
  value       = aws_iam_role.execution.arn
}

output "task_role_arn" {
  description = "Role of the running application."
  value       = aws_iam_role.task.arn
}

output "security_group_id" {
  description = "Security group of the tasks."
  value       = aws_security_group.tasks.id
}
