# Who may reach a task: the load balancer, on the application's port. A task may reach everything.

resource "aws_security_group" "tasks" {
  name        = "${local.name}-ecs-tasks-sg"
  description = "Tasks of ${local.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${local.name}-ecs-tasks-sg" }

  lifecycle {
    create_before_destroy = true
  }
}

# Keyed by port, so that a new port opens beside the old one, which closes when the service has moved over. No
# description: the rules of the embedded AWS lose it beside a referenced group.
resource "aws_vpc_security_group_ingress_rule" "tasks" {
  for_each = toset([tostring(var.service.port)])

  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = var.load_balancer_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)

  tags = { Name = "${local.name}-alb-to-tasks" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id = aws_security_group.tasks.id
  description       = "Everything: AWS APIs, image registry, what the application calls"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"

  tags = { Name = "${local.name}-tasks-to-world" }
}
