# What ECS may do to start a task (execution role) and what the running task may do (task role): this environment's
# parameters, this environment's log group, this project's image repository, and nothing of another environment.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:...; the repository may belong to another account of the
  # project. For an image from elsewhere the project's own repository is named, so that there never is a wildcard.
  ecr_image      = try(regex("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.amazonaws\\.com(?:\\.cn)?/(?P<repository>[^@:]+)", var.image), null)
  repository_arn = local.ecr_image == null ? "arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.project}" : "arn:${local.partition}:ecr:${local.ecr_image.region}:${local.ecr_image.account}:repository/${local.ecr_image.repository}"

  parameters_arn = "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/${var.project}/${var.environment}/*"
  log_group_arn  = "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/ecs/${local.name}"

  # Both roles: the spec gives them the same three permissions.
  base_statements = [
    {
      # Has no resource-level permissions; the token alone opens no repository.
      Sid      = "EcrLogin"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = "*"
    },
    {
      Sid      = "EcrPull"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = local.repository_arn
    },
    {
      Sid      = "LogsWrite"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.log_group_arn}:*"
    },
    {
      # Values are encrypted with AWS's own key for SSM, which needs no permission of its own.
      Sid      = "ParametersRead"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      Resource = local.parameters_arn
    },
  ]

  exec_statements = [
    for enabled in [var.service.exec] : {
      # ECS Exec; these actions have no resource-level permissions.
      Sid      = "EcsExec"
      Effect   = "Allow"
      Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
      Resource = "*"
    } if enabled
  ]

  trust_ecs_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${var.region}:${local.account}:*" }
      }
    }]
  })
}

resource "aws_iam_role" "execution" {
  name                 = "${local.name}-ecs-execution-role"
  description          = "ECS starts tasks of ${local.name}: image, log, secrets"
  assume_role_policy   = local.trust_ecs_tasks
  permissions_boundary = var.permissions_boundary

  tags = { Name = "${local.name}-ecs-execution-role" }
}

resource "aws_iam_role_policy" "execution" {
  name   = "${local.name}-ecs-execution-policy"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.base_statements })
}

resource "aws_iam_role" "task" {
  name                 = "${local.name}-ecs-task-role"
  description          = "The application of ${local.name} while it runs"
  assume_role_policy   = local.trust_ecs_tasks
  permissions_boundary = var.permissions_boundary

  tags = { Name = "${local.name}-ecs-task-role" }
}

resource "aws_iam_role_policy" "task" {
  name   = "${local.name}-ecs-task-policy"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.base_statements, local.exec_statements) })
}
