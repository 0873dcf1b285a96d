# How many tasks there are: between min and max, following CPU and memory. Scaling out needs one of the two policies,
# scaling in both.

locals {
  # Scaling out is urgent; scaling in costs nothing to wait for.
  scale_out_cooldown_seconds = 60
  scale_in_cooldown_seconds  = 300

  tracked_metrics = {
    cpu    = { metric = "ECSServiceAverageCPUUtilization", target_percent = var.service.scaling.cpu_percent }
    memory = { metric = "ECSServiceAverageMemoryUtilization", target_percent = var.service.scaling.memory_percent }
  }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.service.scaling.min
  max_capacity       = var.service.scaling.max

  tags = { Name = "${local.name}-scaling" }
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.tracked_metrics

  name               = "${local.name}-${each.key}-scaling"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target_percent
    scale_out_cooldown = local.scale_out_cooldown_seconds
    scale_in_cooldown  = local.scale_in_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }
}
