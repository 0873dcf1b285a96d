# Who is told: one topic for alarms and failed deployments, with an e-mail address where one is given.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id

  # Of a failed deployment the event itself tells, with the reason; its alarm is there to be seen, and tells nobody twice.
  tells = {
    for name in concat(keys(local.metric_alarms), keys(local.expression_alarms)) :
    name => name == "deployment-failed" ? [] : [aws_sns_topic.alarms.arn]
  }
}

resource "aws_sns_topic" "alarms" {
  name         = "${var.name}-alarms"
  display_name = "Alarms of ${var.name}"

  # Not encrypted with AWS's own key: CloudWatch may not use it and would drop the messages, which hold no secrets.
  tags = { Name = "${var.name}-alarms" }
}

# Alarms and the rule of this environment may publish, and nobody else's. People of this account need no mention here:
# their own permissions count.
resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudwatch:${var.region}:${local.account}:alarm:${var.name}-*" }
        }
      },
      {
        Sid       = "FailedDeployments"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.deployment_failed.arn } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
