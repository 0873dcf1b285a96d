# What others need of the load balancer.

output "url" {
  description = "Where it answers. With a certificate, use the domain that it was issued for instead: the name here is AWS's own."
  value       = "${local.https ? "https" : "http"}://${aws_lb.this.dns_name}"
}

output "load_balancer_arn" {
  description = "ARN of the load balancer."
  value       = aws_lb.this.arn
}

output "load_balancer_arn_suffix" {
  description = "The part of the ARN that CloudWatch uses as dimension LoadBalancer."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "ARN of the target group, usable by a service: a listener forwards to it and its targets can be reached."
  value       = aws_lb_target_group.this.arn

  # ECS refuses a target group without a listener.
  depends_on = [
    aws_lb_listener.http,
    aws_lb_listener.https,
    aws_vpc_security_group_egress_rule.targets,
  ]
}

output "target_group_arn_suffix" {
  description = "The part of the ARN that CloudWatch uses as dimension TargetGroup."
  value       = aws_lb_target_group.this.arn_suffix
}

output "security_group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.this.id
}
