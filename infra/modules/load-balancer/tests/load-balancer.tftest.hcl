# Listeners with and without a certificate, security group rules, health check, without AWS.

mock_provider "aws" {
  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/devops-app-test-alb/0123456789abcdef"
      arn_suffix = "app/devops-app-test-alb/0123456789abcdef"
      dns_name   = "devops-app-test-alb-1.us-east-1.elb.amazonaws.com"
    }
  }

  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/devops-app-test-tg/0123456789abcdef" }
  }

  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/devops-app-test-alb/0123456789abcdef/0123456789abcdef" }
  }
}

variables {
  name                         = "devops-app-test"
  vpc_id                       = "vpc-1"
  vpc_cidr                     = "10.3.0.0/16"
  subnet_ids                   = ["subnet-1", "subnet-2", "subnet-3"]
  port                         = 5000
  deletion_protection          = false
  deregistration_delay_seconds = 5

  health_check = {
    path                = "/readyz"
    interval_seconds    = 5
    timeout_seconds     = 4
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

run "http" {
  assert {
    condition     = aws_lb.this.name == "devops-app-test-alb" && !aws_lb.this.internal && toset(aws_lb.this.subnets) == toset(var.subnet_ids)
    error_message = "The load balancer must face the internet from all public subnets."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && !aws_lb.this.enable_deletion_protection
    error_message = "Invalid headers must be dropped; deletion protection must be as asked for."
  }

  assert {
    condition     = aws_lb_listener.http.port == 80 && aws_lb_listener.http.default_action[0].type == "forward" && aws_lb_listener.http.default_action[0].target_group_arn == aws_lb_target_group.this.arn
    error_message = "Without a certificate, port 80 must forward to the tasks."
  }

  assert {
    condition     = length(aws_lb_listener.https) == 0 && keys(aws_vpc_security_group_ingress_rule.world) == ["80"]
    error_message = "Without a certificate, nothing must be open on 443."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.world["80"].cidr_ipv4 == "0.0.0.0/0" && aws_vpc_security_group_ingress_rule.world["80"].from_port == 80 && aws_vpc_security_group_ingress_rule.world["80"].to_port == 80
    error_message = "Port 80 alone must be open to the world."
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.targets) == ["5000"] && aws_vpc_security_group_egress_rule.targets["5000"].cidr_ipv4 == "10.3.0.0/16" && aws_vpc_security_group_egress_rule.targets["5000"].to_port == 5000
    error_message = "The load balancer must reach the application's port in the VPC and nothing else."
  }

  assert {
    condition     = aws_lb_target_group.this.target_type == "ip" && aws_lb_target_group.this.port == 5000 && tonumber(aws_lb_target_group.this.deregistration_delay) == 5
    error_message = "Targets are addresses of tasks on port 5000, which leave after the delay asked for."
  }

  assert {
    condition = (
      aws_lb_target_group.this.health_check[0].path == "/readyz" &&
      aws_lb_target_group.this.health_check[0].interval == 5 &&
      aws_lb_target_group.this.health_check[0].timeout == 4 &&
      aws_lb_target_group.this.health_check[0].healthy_threshold == 2 &&
      aws_lb_target_group.this.health_check[0].unhealthy_threshold == 3 &&
      aws_lb_target_group.this.health_check[0].matcher == "200"
    )
    error_message = "The health check must be as asked for."
  }

  assert {
    condition     = output.url == "http://devops-app-test-alb-1.us-east-1.elb.amazonaws.com"
    error_message = "url is ${output.url}."
  }
}

run "https" {
  variables {
    certificate_arn     = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c"
    deletion_protection = true
  }

  assert {
    condition = (
      aws_lb_listener.http.default_action[0].type == "redirect" &&
      aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS" &&
      aws_lb_listener.http.default_action[0].redirect[0].port == "443" &&
      aws_lb_listener.http.default_action[0].redirect[0].status_code == "HTTP_301"
    )
    error_message = "With a certificate, port 80 must redirect to HTTPS for good."
  }

  assert {
    condition = (
      aws_lb_listener.https[0].port == 443 &&
      aws_lb_listener.https[0].protocol == "HTTPS" &&
      aws_lb_listener.https[0].certificate_arn == var.certificate_arn &&
      aws_lb_listener.https[0].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" &&
      aws_lb_listener.https[0].default_action[0].target_group_arn == aws_lb_target_group.this.arn
    )
    error_message = "With a certificate, port 443 must forward to the tasks over TLS 1.2 or 1.3."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.world) == ["443", "80"] && aws_vpc_security_group_ingress_rule.world["443"].cidr_ipv4 == "0.0.0.0/0"
    error_message = "With a certificate, 80 and 443 must be open to the world."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && startswith(output.url, "https://")
    error_message = "Deletion protection must be on and url must say https; it is ${output.url}."
  }
}

run "bad_inputs" {
  command = plan

  variables {
    name       = "a-project-with-a-long-name-staging"
    subnet_ids = ["subnet-1"]

    health_check = {
      path                = "/readyz"
      interval_seconds    = 5
      timeout_seconds     = 5
      healthy_threshold   = 2
      unhealthy_threshold = 3
    }
  }

  expect_failures = [var.name, var.subnet_ids, var.health_check]
}
