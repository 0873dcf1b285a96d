# Who is told when something is wrong, and of what: the topic and the alarms. The dashboard is in dashboard.tf.

locals {
  period_seconds = 60

  # Below this many requests a minute one failed request says nothing about the share of failures.
  min_requests_per_minute = 20

  load_balancer = { LoadBalancer = var.load_balancer_arn_suffix }
  targets       = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }
  service       = { ClusterName = var.cluster_name, ServiceName = var.service_name }

  # Each after so many minutes in a row. statistic is a plain one ("Maximum") or a percentile ("p95").
  alarms = {
    latency = {
      namespace  = "AWS/ApplicationELB"
      metric     = "TargetResponseTime"
      dimensions = local.load_balancer
      statistic  = "p95"
      operator   = "GreaterThanThreshold"
      threshold  = var.thresholds.latency_p95_seconds
      minutes    = 5
      missing    = "notBreaching"
      advice     = "One in twenty answers takes longer than ${var.thresholds.latency_p95_seconds} s. Compare with CPU on the dashboard: if it is high, raise service.cpu or scaling.max; if not, look for a slow dependency in ${var.log_group_name}."
    }
    unhealthy-hosts = {
      namespace  = "AWS/ApplicationELB"
      metric     = "UnHealthyHostCount"
      dimensions = local.targets
      statistic  = "Maximum"
      operator   = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 5
      missing    = "notBreaching"
      advice     = "A task fails its health check. Read the last lines of its stream in ${var.log_group_name} and the service's events; if it began with a deployment, roll back."
    }
    cpu-high = {
      namespace  = "AWS/ECS"
      metric     = "CPUUtilization"
      dimensions = local.service
      statistic  = "Average"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = var.thresholds.cpu_percent
      minutes    = 10
      missing    = "notBreaching"
      advice     = "Autoscaling does not keep up. If ${var.max_tasks} tasks run, raise service.scaling.max; else look for a task that spins, or raise service.cpu."
    }
    memory-high = {
      namespace  = "AWS/ECS"
      metric     = "MemoryUtilization"
      dimensions = local.service
      statistic  = "Average"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = var.thresholds.memory_percent
      minutes    = 10
      missing    = "notBreaching"
      advice     = "Tasks are about to be killed for lack of memory. Raise service.memory; if it climbs for days without traffic, look for a leak and roll back to before it."
    }
    tasks-low = {
      namespace  = "ECS/ContainerInsights"
      metric     = "RunningTaskCount"
      dimensions = local.service
      statistic  = "Minimum"
      operator   = "LessThanThreshold"
      threshold  = var.min_tasks
      minutes    = 5
      # A service without any task may report nothing at all.
      missing = "breaching"
      advice  = "Fewer than ${var.min_tasks} tasks run. The service's events name the cause: image not found, secret missing, no capacity, or an application that exits (then read ${var.log_group_name})."
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name         = "${var.name}-alarms"
  display_name = "Alarms of ${var.name}"

  # Not encrypted with AWS's own key: CloudWatch may not use it and would drop the messages, which hold no secrets.
  tags = { Name = "${var.name}-alarms" }
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}-alarm"
  alarm_description   = each.value.advice
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = local.period_seconds
  evaluation_periods  = each.value.minutes
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  tags = { Name = "${var.name}-${each.key}-alarm" }
}

# A share and not a count: ten failures are an outage at night and nothing at noon.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-5xx-alarm"
  alarm_description   = "More than ${var.thresholds.error_percent} % of the answers have a status of 5xx. Search ${var.log_group_name} for level \"error\"; if it began with a deployment, roll back."
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.error_percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "share"
    label       = "Answers with status 5xx (%)"
    expression  = "IF(requests >= ${local.min_requests_per_minute}, 100 * FILL(errors, 0) / requests, 0)"
    return_data = true
  }

  metric_query {
    id = "errors"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "HTTPCode_Target_5XX_Count"
      dimensions  = local.load_balancer
      period      = local.period_seconds
      stat        = "Sum"
    }
  }

  metric_query {
    id = "requests"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "RequestCount"
      dimensions  = local.load_balancer
      period      = local.period_seconds
      stat        = "Sum"
    }
  }

  tags = { Name = "${var.name}-5xx-alarm" }
}
