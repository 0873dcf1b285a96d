# Who may reach the load balancer, and what it may reach: the world on 80 (and 443), and the application's port in the VPC.

resource "aws_security_group" "this" {
  name        = "${var.name}-alb-sg"
  description = "Load balancer of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-alb-sg" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "world" {
  for_each = toset(local.https ? ["80", "443"] : ["80"])

  security_group_id = aws_security_group.this.id
  description       = each.key == "443" ? "HTTPS from anywhere" : "HTTP from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)

  tags = { Name = "${var.name}-alb-${each.key}" }
}

# By address range and not by the tasks' group: that group refers to this one, and neither module can wait for the
# other. Keyed by port, so that a new port opens beside the old one, which closes when the service has moved over.
resource "aws_vpc_security_group_egress_rule" "targets" {
  for_each = toset([tostring(var.port)])

  security_group_id = aws_security_group.this.id
  description       = "Application port of the tasks"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)

  tags = { Name = "${var.name}-alb-to-tasks" }

  lifecycle {
    create_before_destroy = true
  }
}
