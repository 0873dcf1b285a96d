# Who talked to whom: the VPC's flow log in CloudWatch Logs, and the role that writes it.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  flow_log_group_name = "/vpc/${var.name}-flow-log"
  flow_log_group_arn  = "arn:${data.aws_partition.current.partition}:logs:${var.region}:${data.aws_caller_identity.current.account_id}:log-group:${local.flow_log_group_name}"
}

resource "aws_cloudwatch_log_group" "flow_log" {
  name              = local.flow_log_group_name
  retention_in_days = var.log_retention_days

  tags = { Name = "${var.name}-flow-log-group" }
}

resource "aws_iam_role" "flow_log" {
  name                 = "${var.name}-flow-log-role"
  description          = "Lets VPC flow logs write to ${local.flow_log_group_name}"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })

  tags = { Name = "${var.name}-flow-log-role" }
}

resource "aws_iam_role_policy" "flow_log" {
  name = "${var.name}-flow-log-policy"
  role = aws_iam_role.flow_log.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteFlowLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
      Resource = [local.flow_log_group_arn, "${local.flow_log_group_arn}:*"]
      }, {
      # Has no resource-level permissions; flow logs ask for it before they write.
      Sid      = "FindLogGroup"
      Effect   = "Allow"
      Action   = "logs:DescribeLogGroups"
      Resource = "*"
    }]
  })
}

resource "aws_flow_log" "this" {
  vpc_id               = aws_vpc.this.id
  traffic_type         = "ALL"
  log_destination_type = "cloud-watch-logs"
  log_destination      = aws_cloudwatch_log_group.flow_log.arn
  iam_role_arn         = aws_iam_role.flow_log.arn

  tags = { Name = "${var.name}-flow-log" }

  depends_on = [aws_iam_role_policy.flow_log]
}
