# One page that answers: do users get answers, how fast, and do the tasks have room?

locals {
  alb  = ["LoadBalancer", var.load_balancer_arn_suffix]
  tg   = ["TargetGroup", var.target_group_arn_suffix, "LoadBalancer", var.load_balancer_arn_suffix]
  task = ["ClusterName", var.cluster_name, "ServiceName", var.service_name]

  # Metric widgets in reading order; each fills half a row. limit draws a line.
  graphs = [
    {
      title = "Requests and errors a minute"
      stat  = "Sum"
      limit = [{ label = "alarm", value = var.thresholds.error_percent, yAxis = "right" }]
      metrics = [
        concat(["AWS/ApplicationELB", local.traffic.requests], local.alb, [{ id = "requests", label = "requests to tasks" }]),
        concat(["AWS/ApplicationELB", local.traffic.task_errors], local.alb, [{ id = "task_errors", label = "5xx of tasks" }]),
        concat(["AWS/ApplicationELB", local.traffic.own_errors], local.alb, [{ id = "own_errors", label = "5xx of the load balancer" }]),
        concat(["AWS/ApplicationELB", local.traffic.turned_away], local.alb, [{ id = "turned_away", label = "503 for want of tasks" }]),
        concat(["AWS/ApplicationELB", "HTTPCode_Target_4XX_Count"], local.alb, [{ label = "4xx of tasks" }]),
        # As the alarm sees it.
        [{ expression = local.expression_alarms["5xx"].expression, label = local.expression_alarms["5xx"].label, yAxis = "right" }],
        [local.log_errors.namespace, local.log_errors.metric, { label = "errors in the log" }],
      ]
    },
    {
      title = "Time to answer (s)"
      stat  = "p95"
      limit = [{ label = "alarm", value = var.thresholds.latency_p95_seconds }]
      metrics = [
        concat(["AWS/ApplicationELB", "TargetResponseTime"], local.alb, [{ stat = "p50", label = "p50" }]),
        concat(["AWS/ApplicationELB", "TargetResponseTime"], local.alb, [{ stat = "p95", label = "p95" }]),
        concat(["AWS/ApplicationELB", "TargetResponseTime"], local.alb, [{ stat = "p99", label = "p99" }]),
      ]
    },
    {
      title = "CPU and memory (% of the reservation)"
      stat  = "Average"
      limit = [{ label = "alarm", value = var.thresholds.cpu_percent }]
      metrics = [
        concat(["AWS/ECS", "CPUUtilization"], local.task),
        concat(["AWS/ECS", "MemoryUtilization"], local.task),
      ]
    },
    {
      title = "Tasks"
      stat  = "Average"
      limit = [{ label = "min", value = var.min_tasks }, { label = "max", value = var.max_tasks }]
      metrics = [
        concat(["ECS/ContainerInsights", "RunningTaskCount"], local.task),
        concat(["ECS/ContainerInsights", "DesiredTaskCount"], local.task),
        concat(["AWS/ApplicationELB", "HealthyHostCount"], local.tg),
        concat(["AWS/ApplicationELB", "UnHealthyHostCount"], local.tg),
      ]
    },
  ]

  graph_widgets = [
    for index, graph in local.graphs : {
      type   = "metric"
      x      = 12 * (index % 2)
      y      = 6 * floor(index / 2)
      width  = 12
      height = 6
      properties = {
        title       = graph.title
        region      = var.region
        view        = "timeSeries"
        period      = local.period_seconds
        stat        = graph.stat
        metrics     = graph.metrics
        annotations = { horizontal = graph.limit }
      }
    }
  ]

  alarm_arns = { for name, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.expression) : name => alarm.arn }

  alarm_widget = {
    type   = "alarm"
    x      = 0
    y      = 12
    width  = 24
    height = 3
    properties = {
      title  = "Alarms"
      alarms = [for name in sort(keys(local.alarm_arns)) : local.alarm_arns[name]]
    }
  }

  log_widget = {
    type   = "log"
    x      = 0
    y      = 15
    width  = 24
    height = 6
    properties = {
      title  = "Newest warnings and errors"
      region = var.region
      view   = "table"
      query  = "SOURCE '${var.log_group_name}' | fields @timestamp, @message | filter level in ['warn', 'error', 'fatal'] or @message like /(?i)error/ | sort @timestamp desc | limit 50"
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name}-dashboard"
  dashboard_body = jsonencode({ widgets = concat(local.graph_widgets, [local.alarm_widget, local.log_widget]) })
}
