# Task definition, roles, security group, service and scaling, without AWS.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/devops-app-test-role" }
  }

  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/devops-app-test-ecs-cluster" }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/devops-app-test-ecs-task:1" }
  }
}

variables {
  project                         = "devops-app"
  environment                     = "test"
  application                     = "app"
  region                          = "us-east-1"
  image                           = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/devops-app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  vpc_id                          = "vpc-1"
  subnet_ids                      = ["subnet-1", "subnet-2", "subnet-3"]
  assign_public_ip                = false
  load_balancer_security_group_id = "sg-alb"
  target_group_arn                = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/devops-app-test-tg/0123456789abcdef"
  secret_arns                     = { app-secret = "arn:aws:ssm:us-east-1:123456789012:parameter/devops-app/test/app-secret" }
  log_retention_days              = 30

  service = {
    port                       = 5000
    cpu                        = 256
    memory                     = 512
    architecture               = "X86_64"
    read_only_root_filesystem  = true
    exec                       = true
    environment                = { GREETING = "hello" }
    stop_timeout_seconds       = 30
    health_check_grace_seconds = 30
    minimum_healthy_percent    = 100
    maximum_percent            = 200
    spot_weight                = 0
    scaling                    = { min = 1, max = 10, cpu_percent = 70, memory_percent = 80 }
  }
}

run "task_definition" {
  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions) == [{
      name      = "app"
      image     = var.image
      essential = true
      portMappings = [
        { containerPort = 5000, hostPort = 5000, protocol = "tcp" },
      ]
      environment = [
        { name = "ENVIRONMENT", value = "test" },
        { name = "GREETING", value = "hello" },
        { name = "PORT", value = "5000" },
      ]
      secrets = [
        { name = "APP_SECRET", valueFrom = "arn:aws:ssm:us-east-1:123456789012:parameter/devops-app/test/app-secret" },
      ]
      readonlyRootFilesystem = true
      mountPoints = [
        { sourceVolume = "exec-agent-log", containerPath = "/var/log/amazon", readOnly = false },
        { sourceVolume = "exec-agent-state", containerPath = "/var/lib/amazon", readOnly = false },
      ]
      linuxParameters = { initProcessEnabled = true }
      stopTimeout     = 30
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = "/ecs/devops-app-test"
          awslogs-region        = "us-east-1"
          awslogs-stream-prefix = "ecs"
          mode                  = "non-blocking"
          max-buffer-size       = "4m"
        }
      }
    }]
    error_message = "Container is ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = (
      aws_ecs_task_definition.this.cpu == "256" &&
      aws_ecs_task_definition.this.memory == "512" &&
      aws_ecs_task_definition.this.network_mode == "awsvpc" &&
      aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"]) &&
      toset(aws_ecs_task_definition.this.volume[*].name) == toset(["exec-agent-log", "exec-agent-state"])
    )
    error_message = "A task must be a Fargate task of the size asked for, with the volumes that its container mounts."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/ecs/devops-app-test" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "The log group must exist and forget after log_retention_days."
  }
}

run "roles" {
  assert {
    condition     = aws_iam_role.execution.name == "devops-app-test-ecs-execution-role" && aws_iam_role.task.name == "devops-app-test-ecs-task-role"
    error_message = "Names must be <project>-<environment>-<type>."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.execution, aws_iam_role_policy.task] :
      { for statement in jsondecode(policy.policy).Statement : statement.Sid => statement.Resource if statement.Sid != "EcsExec" } == {
        EcrLogin       = "*"
        EcrPull        = "arn:aws:ecr:eu-west-1:210987654321:repository/team/devops-app"
        LogsWrite      = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/devops-app-test:*"
        ParametersRead = "arn:aws:ssm:us-east-1:123456789012:parameter/devops-app/test/*"
      }
    ])
    error_message = "Roles must be limited to this image's repository, this log group and these parameters."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.execution, aws_iam_role_policy.task] : [
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Allow" && alltrue([for action in statement.Action : !strcontains(action, "*")]) &&
        (statement.Resource != "*" || contains(["EcrLogin", "EcsExec"], statement.Sid))
      ]
    ]))
    error_message = "No action may be a wildcard; Resource \"*\" is for actions that know no other."
  }

  assert {
    condition = (
      [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid] == ["EcrLogin", "EcrPull", "LogsWrite", "ParametersRead"] &&
      [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid] == ["EcrLogin", "EcrPull", "LogsWrite", "ParametersRead", "EcsExec"]
    )
    error_message = "Only the running task may open ECS Exec channels."
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.execution, aws_iam_role.task] :
      jsondecode(role.assume_role_policy).Statement[0].Principal == { Service = "ecs-tasks.amazonaws.com" } &&
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "123456789012" }
    ])
    error_message = "Only ECS tasks of this account may take on the roles."
  }

  assert {
    condition     = aws_iam_role.execution.permissions_boundary == null && aws_iam_role.task.permissions_boundary == null
    error_message = "Without a boundary given, the roles must carry none."
  }
}

run "roles_with_a_boundary" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/ci/devops-app-test-boundary"
  }

  assert {
    condition     = aws_iam_role.execution.permissions_boundary == var.permissions_boundary && aws_iam_role.task.permissions_boundary == var.permissions_boundary
    error_message = "Both roles must carry the boundary, or CI may not make them."
  }
}

run "image_from_elsewhere" {
  command = plan

  variables {
    image = "registry.example.com/web/app@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[1].Resource == "arn:aws:ecr:us-east-1:123456789012:repository/devops-app"
    error_message = "For an image from elsewhere the project's repository must be named, not a wildcard."
  }
}

run "security_group" {
  assert {
    condition     = aws_security_group.tasks.name == "devops-app-test-ecs-tasks-sg" && aws_security_group.tasks.vpc_id == "vpc-1"
    error_message = "The group's name must be the spec's."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_ingress_rule.tasks) == ["5000"] &&
      aws_vpc_security_group_ingress_rule.tasks["5000"].referenced_security_group_id == "sg-alb" &&
      aws_vpc_security_group_ingress_rule.tasks["5000"].cidr_ipv4 == null &&
      aws_vpc_security_group_ingress_rule.tasks["5000"].from_port == 5000 &&
      aws_vpc_security_group_ingress_rule.tasks["5000"].to_port == 5000 &&
      aws_vpc_security_group_ingress_rule.tasks["5000"].ip_protocol == "tcp"
    )
    error_message = "Only the load balancer's group may reach the tasks, on the application's port."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks.cidr_ipv4 == "0.0.0.0/0" && aws_vpc_security_group_egress_rule.tasks.ip_protocol == "-1"
    error_message = "Tasks must reach everything, as in the spec."
  }
}

run "service" {
  assert {
    condition     = aws_ecs_cluster.this.name == "devops-app-test-ecs-cluster" && aws_ecs_service.this.name == "devops-app-test-ecs-service"
    error_message = "Names must be <project>-<environment>-<type>."
  }

  assert {
    condition     = contains([for setting in aws_ecs_cluster.this.setting : "${setting.name}=${setting.value}"], "containerInsights=enabled") && aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "The cluster must have Container Insights and both capacity providers."
  }

  assert {
    condition = (
      aws_ecs_service.this.desired_count == 1 &&
      aws_ecs_service.this.wait_for_steady_state &&
      aws_ecs_service.this.availability_zone_rebalancing == "ENABLED" &&
      aws_ecs_service.this.enable_execute_command &&
      aws_ecs_service.this.enable_ecs_managed_tags &&
      aws_ecs_service.this.propagate_tags == "SERVICE" &&
      aws_ecs_service.this.deployment_minimum_healthy_percent == 100 &&
      aws_ecs_service.this.deployment_maximum_percent == 200 &&
      aws_ecs_service.this.health_check_grace_period_seconds == 30
    )
    error_message = "The service must start with scaling.min tasks, wait until they serve, balance zones, and pass its tags on."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A deployment that fails must be rolled back."
  }

  assert {
    condition = (
      toset(aws_ecs_service.this.network_configuration[0].subnets) == toset(var.subnet_ids) &&
      aws_ecs_service.this.network_configuration[0].security_groups == toset([aws_security_group.tasks.id]) &&
      !aws_ecs_service.this.network_configuration[0].assign_public_ip
    )
    error_message = "Tasks must run in all subnets given, in their own group, without public addresses."
  }

  assert {
    condition = alltrue([
      for balancer in aws_ecs_service.this.load_balancer :
      balancer.container_name == "app" && balancer.container_port == 5000 && balancer.target_group_arn == var.target_group_arn
    ]) && length(aws_ecs_service.this.load_balancer) == 1
    error_message = "Tasks must register with the target group on port 5000."
  }

  assert {
    condition     = [for strategy in aws_ecs_service.this.capacity_provider_strategy : "${strategy.capacity_provider} ${strategy.base} ${strategy.weight}"] == ["FARGATE 1 1"]
    error_message = "Without a Spot weight, every task must run on FARGATE."
  }
}

run "scaling" {
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && aws_appautoscaling_target.this.max_capacity == 10 && aws_appautoscaling_target.this.resource_id == "service/devops-app-test-ecs-cluster/devops-app-test-ecs-service"
    error_message = "The service must scale from 1 to 10 tasks."
  }

  assert {
    condition = {
      for policy in aws_appautoscaling_policy.this :
      policy.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type => policy.target_tracking_scaling_policy_configuration[0].target_value
      } == {
      ECSServiceAverageCPUUtilization    = 70
      ECSServiceAverageMemoryUtilization = 80
    }
    error_message = "CPU must be held at 70 % and memory at 80 %."
  }
}

run "options" {
  variables {
    assign_public_ip = true
    secret_arns      = {}

    service = {
      port                       = 8080
      cpu                        = 1024
      memory                     = 2048
      architecture               = "ARM64"
      read_only_root_filesystem  = false
      exec                       = true
      environment                = {}
      stop_timeout_seconds       = 120
      health_check_grace_seconds = 0
      minimum_healthy_percent    = 50
      maximum_percent            = 150
      spot_weight                = 3
      scaling                    = { min = 3, max = 20, cpu_percent = 50, memory_percent = 60 }
    }
  }

  assert {
    condition     = toset([for strategy in aws_ecs_service.this.capacity_provider_strategy : "${strategy.capacity_provider} ${strategy.base} ${strategy.weight}"]) == toset(["FARGATE 1 1", "FARGATE_SPOT 0 3"])
    error_message = "With a Spot weight of 3, one task is always on FARGATE and the others are 3 to 1 on FARGATE_SPOT."
  }

  assert {
    condition = (
      !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem &&
      length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints) == 0 &&
      length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets) == 0 &&
      length(aws_ecs_task_definition.this.volume) == 0 &&
      aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "ARM64"
    )
    error_message = "A writable root file system needs no volumes, and a service without secrets gets none."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.tasks) == ["8080"] && aws_ecs_service.this.network_configuration[0].assign_public_ip && aws_appautoscaling_target.this.min_capacity == 3
    error_message = "Port, public address and scaling must follow the inputs."
  }
}

run "exec_off" {
  command = plan

  variables {
    service = {
      port                       = 5000
      cpu                        = 256
      memory                     = 512
      architecture               = "X86_64"
      read_only_root_filesystem  = true
      exec                       = false
      environment                = {}
      stop_timeout_seconds       = 30
      health_check_grace_seconds = 30
      minimum_healthy_percent    = 100
      maximum_percent            = 200
      spot_weight                = 0
      scaling                    = { min = 1, max = 2, cpu_percent = 70, memory_percent = 80 }
    }
  }

  assert {
    condition = (
      !aws_ecs_service.this.enable_execute_command &&
      !contains([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid], "EcsExec") &&
      length(aws_ecs_task_definition.this.volume) == 0
    )
    error_message = "Without ECS Exec the task role must have no permission for it, and the task no directory to write to."
  }
}

run "bad_inputs" {
  command = plan

  variables {
    image = "app:latest"

    service = {
      port                       = 5000
      cpu                        = 256
      memory                     = 512
      architecture               = "X86_64"
      read_only_root_filesystem  = true
      exec                       = true
      environment                = {}
      stop_timeout_seconds       = 30
      health_check_grace_seconds = 30
      minimum_healthy_percent    = 100
      maximum_percent            = 100
      spot_weight                = 0
      scaling                    = { min = 3, max = 2, cpu_percent = 70, memory_percent = 80 }
    }
  }

  expect_failures = [var.image, var.service]
}
