# What is watched, and when it rings. Who is told is in topic.tf, failed deployments and log errors in events.tf, the
# dashboard in dashboard.tf.

locals {
  period_seconds = 60

  # Below this many requests a minute one failed request says nothing about the share of failures.
  min_requests_per_minute = 20

  load_balancer = { LoadBalancer = var.load_balancer_arn_suffix }
  targets       = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }
  service       = { ClusterName = var.cluster_name, ServiceName = var.service_name }

  # What the load balancer counts, by the name that expressions call it. None is reported while it is 0, so FILL. requests
  # are those for which it could choose a task (AWS: "CloudWatch metrics for your Application Load Balancer"); a 502 or 504
  # is among them, a 503 for want of any task is not.
  traffic = {
    requests    = "RequestCount"
    turned_away = "HTTPCode_ELB_503_Count"
    task_errors = "HTTPCode_Target_5XX_Count"
    own_errors  = "HTTPCode_ELB_5XX_Count"
  }
  answered = "FILL(requests, 0) + FILL(turned_away, 0)"

  # Alarms on one metric. statistic is a plain one ("Maximum") or a percentile ("p95"); it rings when datapoints of the
  # last minutes are beyond the threshold.
  metric_alarms = {
    latency = {
      namespace  = "AWS/ApplicationELB"
      metric     = "TargetResponseTime"
      dimensions = local.load_balancer
      statistic  = "p95"
      threshold  = var.thresholds.latency_p95_seconds
      minutes    = 5
      datapoints = 5
      advice     = "One in twenty answers takes longer than ${var.thresholds.latency_p95_seconds} s. Compare with CPU on the dashboard: if it is high, raise service.cpu or scaling.max; if not, look for a slow dependency in ${var.log_group_name}."
    }
    unhealthy-hosts = {
      namespace  = "AWS/ApplicationELB"
      metric     = "UnHealthyHostCount"
      dimensions = local.targets
      statistic  = "Maximum"
      threshold  = 0
      minutes    = 5
      datapoints = 5
      advice     = "A task fails its health check. Read the last lines of its stream in ${var.log_group_name} and the service's events; if it began with a deployment, roll back."
    }
    log-errors = {
      namespace  = local.log_errors.namespace
      metric     = local.log_errors.metric
      dimensions = {}
      statistic  = "Sum"
      threshold  = var.thresholds.log_errors_per_minute
      minutes    = 5
      datapoints = 3
      advice     = "The application logs more than ${var.thresholds.log_errors_per_minute} errors a minute. Read them in ${var.log_group_name} by their level, \"error\" or worse; if it began with a deployment, roll back."
    }
    deployment-failed = {
      namespace  = "AWS/Events"
      metric     = "TriggeredRules"
      dimensions = { RuleName = aws_cloudwatch_event_rule.deployment_failed.name }
      statistic  = "Sum"
      threshold  = 0
      # One event is enough; it stays in sight for a quarter of an hour.
      minutes    = 15
      datapoints = 1
      advice     = "ECS gave up a deployment of ${var.service_name} less than a quarter of an hour ago. The release before runs on, if there is one. The service's events say why: mend that, and deploy again."
    }
  }

  # Alarms on what several metrics say together. metrics is what the expression calls by name.
  expression_alarms = {
    # A share and not a count: ten failures are an outage at night and nothing at noon. For users it is all the same whether
    # a task failed or the load balancer had none to ask.
    "5xx" = {
      label      = "Answers with status 5xx (%)"
      expression = "IF(${local.answered} >= ${local.min_requests_per_minute}, 100 * (FILL(task_errors, 0) + FILL(own_errors, 0)) / (${local.answered}), 0)"
      operator   = "GreaterThanThreshold"
      threshold  = var.thresholds.error_percent
      minutes    = 5
      datapoints = 3
      missing    = "notBreaching"
      metrics = {
        for id, metric in local.traffic :
        id => { namespace = "AWS/ApplicationELB", metric = metric, dimensions = local.load_balancer, statistic = "Sum" }
      }
      advice = "More than ${var.thresholds.error_percent} % of the answers have a status of 5xx, of tasks or of the load balancer itself (502, 503, 504). Search ${var.log_group_name} for level \"error\"; where no task answers, the service's events say why. If it began with a deployment, roll back."
    }
    # Below the maximum, high CPU is what autoscaling is for.
    cpu-at-max = {
      label      = "CPU while the most tasks run (%)"
      expression = "IF(running >= ${var.max_tasks}, used, 0)"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = var.thresholds.cpu_percent
      minutes    = 10
      datapoints = 10
      missing    = "notBreaching"
      metrics = {
        used    = { namespace = "AWS/ECS", metric = "CPUUtilization", dimensions = local.service, statistic = "Average" }
        running = { namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", dimensions = local.service, statistic = "Minimum" }
      }
      advice = "All ${var.max_tasks} tasks run and use ${var.thresholds.cpu_percent} % of their CPU: autoscaling can't add any. Raise service.scaling.max if the load is real; else look for what spins."
    }
    memory-at-max = {
      label      = "Memory while the most tasks run (%)"
      expression = "IF(running >= ${var.max_tasks}, used, 0)"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = var.thresholds.memory_percent
      minutes    = 10
      datapoints = 10
      missing    = "notBreaching"
      metrics = {
        used    = { namespace = "AWS/ECS", metric = "MemoryUtilization", dimensions = local.service, statistic = "Average" }
        running = { namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", dimensions = local.service, statistic = "Minimum" }
      }
      advice = "All ${var.max_tasks} tasks run and use ${var.thresholds.memory_percent} % of their memory: soon they are killed for lack of it. Raise service.memory; if it climbed for days without traffic, it is a leak: roll back to before it."
    }
    tasks-low = {
      label      = "Tasks that are missing"
      expression = "IF(desired > ${var.min_tasks}, desired, ${var.min_tasks}) - running"
      operator   = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 5
      datapoints = 5
      # A service without any task may report nothing at all.
      missing = "breaching"
      metrics = {
        # The fewest of each minute: a task that starts and dies again and again counts as missing, one that was asked
        # for within the minute does not.
        desired = { namespace = "ECS/ContainerInsights", metric = "DesiredTaskCount", dimensions = local.service, statistic = "Minimum" }
        running = { namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", dimensions = local.service, statistic = "Minimum" }
      }
      advice = "Fewer tasks run than are wanted, or fewer than ${var.min_tasks}. The service's events name the cause: image not found, secret missing, no capacity, or an application that exits (then read ${var.log_group_name})."
    }
  }

  # What every description ends with. An e-mail can't follow a path within a repository, so without an address it says
  # where to look.
  runbook = {
    for name in concat(keys(local.metric_alarms), keys(local.expression_alarms)) :
    name => var.runbook_url == null ? "Runbook: docs/runbook.md#${name}" : "Runbook: ${var.runbook_url}#${name}"
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.metric_alarms

  alarm_name          = "${var.name}-${each.key}-alarm"
  alarm_description   = "${each.value.advice} ${local.runbook[each.key]}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = local.period_seconds
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.datapoints
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  # No request, no line and no event is no trouble; no task at all is what tasks-low is for.
  treat_missing_data = "notBreaching"
  alarm_actions      = local.tells[each.key]
  ok_actions         = local.tells[each.key]

  tags = { Name = "${var.name}-${each.key}-alarm" }
}

resource "aws_cloudwatch_metric_alarm" "expression" {
  for_each = local.expression_alarms

  alarm_name          = "${var.name}-${each.key}-alarm"
  alarm_description   = "${each.value.advice} ${local.runbook[each.key]}"
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.datapoints
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = local.tells[each.key]
  ok_actions          = local.tells[each.key]

  metric_query {
    id          = "result"
    label       = each.value.label
    expression  = each.value.expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = local.period_seconds
        stat        = metric_query.value.statistic
      }
    }
  }

  tags = { Name = "${var.name}-${each.key}-alarm" }
}

# An alarm that is made anew under its old name would be deleted by the end of the old one.
moved {
  from = aws_cloudwatch_metric_alarm.errors
  to   = aws_cloudwatch_metric_alarm.expression["5xx"]
}

moved {
  from = aws_cloudwatch_metric_alarm.this["tasks-low"]
  to   = aws_cloudwatch_metric_alarm.expression["tasks-low"]
}
