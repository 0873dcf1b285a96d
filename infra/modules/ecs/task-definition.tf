# What one task is: image, size, environment, secrets, log.

locals {
  environment = merge(var.service.environment, {
    ENVIRONMENT = var.environment
    PORT        = tostring(var.service.port)
  })

  # ECS Exec's agent writes below these two even where the root file system is read-only.
  exec_agent_volumes = var.service.exec && var.service.read_only_root_filesystem ? {
    exec-agent-state = "/var/lib/amazon"
    exec-agent-log   = "/var/log/amazon"
  } : {}

  container = {
    name      = var.application
    image     = var.image
    essential = true

    portMappings = [{
      containerPort = var.service.port
      hostPort      = var.service.port
      protocol      = "tcp"
    }]

    environment = [for key in sort(keys(local.environment)) : { name = key, value = local.environment[key] }]
    secrets = [
      for name in sort(keys(var.secret_arns)) :
      { name = upper(replace(name, "-", "_")), valueFrom = var.secret_arns[name] }
    ]

    readonlyRootFilesystem = var.service.read_only_root_filesystem
    mountPoints = [
      for volume in sort(keys(local.exec_agent_volumes)) :
      { sourceVolume = volume, containerPath = local.exec_agent_volumes[volume], readOnly = false }
    ]

    # An init process collects what ECS Exec sessions leave behind and hands SIGTERM on.
    linuxParameters = { initProcessEnabled = true }
    stopTimeout     = var.service.stop_timeout_seconds

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "ecs"
        # A slow log service must not stop the application; lines beyond the buffer are lost instead.
        mode            = "non-blocking"
        max-buffer-size = "4m"
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${local.name}"
  retention_in_days = var.log_retention_days

  tags = { Name = "${local.name}-log-group" }
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${local.name}-ecs-task"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.service.cpu
  memory                   = var.service.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.service.architecture
  }

  dynamic "volume" {
    for_each = local.exec_agent_volumes

    content {
      name = volume.key
    }
  }

  tags = { Name = "${local.name}-ecs-task" }

  lifecycle {
    # The old revision stays usable until the service has left it.
    create_before_destroy = true
  }
}
