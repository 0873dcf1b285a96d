# What ECS and the application say themselves: deployments that fail, and errors in the log.

locals {
  # By its name and not by the resource: the first deployment can fail, too, and the service is not complete until then.
  service_arn = "arn:${data.aws_partition.current.partition}:ecs:${var.region}:${local.account}:service/${var.cluster_name}/${var.service_name}"

  # A namespace for each environment keeps two of them in one account apart.
  log_errors = { namespace = "Towpath/${var.name}", metric = "LogErrors" }

  # What loggers call an error or worse. Patterns are case-sensitive; pino and bunyan have numbers, 50 for an error.
  error_words = ["error", "ERROR", "fatal", "FATAL", "critical", "CRITICAL"]
  error_terms = concat(
    flatten([for field in ["level", "severity"] : [for word in local.error_words : "($.${field} = \"${word}\")"]]),
    ["($.level >= 50)"],
  )
}

resource "aws_cloudwatch_event_rule" "deployment_failed" {
  name        = "${var.name}-deployment-failed"
  description = "ECS gives up a deployment of ${var.service_name}."

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Deployment State Change"]
    resources   = [local.service_arn]
    detail      = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
  })

  tags = { Name = "${var.name}-deployment-failed" }
}

resource "aws_cloudwatch_event_target" "deployment_failed" {
  rule      = aws_cloudwatch_event_rule.deployment_failed.name
  target_id = "alarms"
  arn       = aws_sns_topic.alarms.arn

  # A sentence instead of the event's JSON: this is what is read in the mail.
  input_transformer {
    input_paths = {
      at         = "$.time"
      deployment = "$.detail.deploymentId"
      reason     = "$.detail.reason"
    }
    # Not jsonencode, which writes < and > as escapes that EventBridge does not fill in.
    input_template = "\"Deployment <deployment> of ${var.service_name} failed at <at>: <reason> ${local.runbook["deployment-failed"]}\""
  }
}

# Each line of the application is one JSON object with a level. default_value: a minute with lines but without errors
# counts 0, so that the alarm ends.
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "${var.name}-log-errors"
  log_group_name = var.log_group_name
  pattern        = "{ ${join(" || ", local.error_terms)} }"

  metric_transformation {
    namespace     = local.log_errors.namespace
    name          = local.log_errors.metric
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}
