# The cluster and the service that keeps the tasks running. What a task is: task-definition.tf; what it may do: roles.tf;
# who may reach it: security.tf; how many there are: scaling.tf.

locals {
  name = "${var.project}-${var.environment}"

  # Cluster and service names are inputs of alarms and dashboards, which need not wait for the resources.
  cluster_name = "${local.name}-ecs-cluster"
  service_name = "${local.name}-ecs-service"

  # One task always on FARGATE; with a Spot weight, the others are shared out 1 : weight.
  capacity = merge(
    { FARGATE = { base = 1, weight = 1 } },
    var.service.spot_weight > 0 ? { FARGATE_SPOT = { base = 0, weight = var.service.spot_weight } } : {},
  )
}

resource "aws_ecs_cluster" "this" {
  name = local.cluster_name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }

  tags = { Name = local.cluster_name }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

resource "aws_ecs_service" "this" {
  name            = local.service_name
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.service.scaling.min

  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = var.service.minimum_healthy_percent
  deployment_maximum_percent         = var.service.maximum_percent
  health_check_grace_period_seconds  = var.service.health_check_grace_seconds
  enable_execute_command             = var.service.exec
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"

  # Apply ends when the tasks serve, not when AWS has taken note of the wish. After a rollback of the circuit breaker
  # it ends well too: compare the running task definition with the output before calling it a success.
  wait_for_steady_state = true

  # Without it the provider replaces the whole service when the capacity strategy changes.
  force_new_deployment = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "capacity_provider_strategy" {
    for_each = local.capacity

    content {
      capacity_provider = capacity_provider_strategy.key
      base              = capacity_provider_strategy.value.base
      weight            = capacity_provider_strategy.value.weight
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = var.assign_public_ip
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = var.application
    container_port   = var.service.port
  }

  timeouts {
    create = "20m"
    update = "20m"
    delete = "20m"
  }

  tags = { Name = local.service_name }

  lifecycle {
    # The count belongs to the autoscaler.
    ignore_changes = [desired_count]
  }

  # The first task needs all of these; and while the service is being deleted its tasks still do.
  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_vpc_security_group_egress_rule.tasks,
    aws_vpc_security_group_ingress_rule.tasks,
  ]
}
