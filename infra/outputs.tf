# What an operator or a tool asks an environment for.

output "url" {
  description = "Where the application answers. With a certificate, use the domain that it was issued for instead. On the embedded AWS the load balancer's name is an address and port of this computer."
  value       = module.load_balancer.url
}

output "cluster_name" {
  description = "ECS cluster."
  value       = module.ecs.cluster_name
}

output "service_name" {
  description = "ECS service."
  value       = module.ecs.service_name
}

output "task_definition_arn" {
  description = "Task definition, with revision, that was asked for. A service that runs another one was rolled back by AWS."
  value       = module.ecs.task_definition_arn
}

output "image" {
  description = "Image that was asked for."
  value       = var.image
}

output "load_balancer_arn" {
  description = "Application load balancer."
  value       = module.load_balancer.load_balancer_arn
}

output "target_group_arn" {
  description = "Target group of the service."
  value       = module.load_balancer.target_group_arn
}

output "log_group_name" {
  description = "Log group of the application."
  value       = module.ecs.log_group_name
}

output "secret_parameter_names" {
  description = "SSM parameters of the application's secrets."
  value       = module.ssm.parameter_names
}

output "alarm_topic_arn" {
  description = "SNS topic of every alarm."
  value       = module.monitoring.alarm_topic_arn
}

output "dashboard_name" {
  description = "CloudWatch dashboard."
  value       = module.monitoring.dashboard_name
}

output "vpc_id" {
  description = "VPC."
  value       = module.network.vpc_id
}

output "public_subnet_ids" {
  description = "Public subnets, in the order of the zones."
  value       = module.network.public_subnet_ids
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones."
  value       = module.network.private_subnet_ids
}
