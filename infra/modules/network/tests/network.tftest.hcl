# Address blocks, NAT modes, routes and the flow log's permissions, without AWS.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/vpc/devops-app-test-flow-log" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/devops-app-test-flow-log-role" }
  }
}

variables {
  name               = "devops-app-test"
  region             = "us-east-1"
  vpc_cidr           = "10.3.0.0/16"
  availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  nat                = "single"
  log_retention_days = 30
}

run "three_zones_single_nat" {
  assert {
    condition = output.subnet_cidrs == {
      "us-east-1a" = { public = "10.3.1.0/24", private = "10.3.101.0/24" }
      "us-east-1b" = { public = "10.3.2.0/24", private = "10.3.102.0/24" }
      "us-east-1c" = { public = "10.3.3.0/24", private = "10.3.103.0/24" }
    }
    error_message = "Subnets are ${jsonencode(output.subnet_cidrs)}, not the spec's."
  }

  assert {
    condition     = [for zone, subnet in aws_subnet.private : subnet.availability_zone] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    error_message = "Each private subnet must lie in its own zone."
  }

  assert {
    condition     = aws_vpc.this.tags.Name == "devops-app-test-vpc" && aws_subnet.public["us-east-1b"].tags.Name == "devops-app-test-public-subnet-b"
    error_message = "Names must be <project>-<environment>-<type>."
  }

  assert {
    condition     = output.nat_gateway_zones == tolist(["us-east-1a"]) && length(aws_eip.nat) == 1
    error_message = "One NAT gateway with one address belongs in the first zone; got ${jsonencode(output.nat_gateway_zones)}."
  }

  assert {
    condition = length(aws_route.private_nat) == 3 && alltrue([
      for route in aws_route.private_nat :
      route.nat_gateway_id == aws_nat_gateway.this["us-east-1a"].id && route.destination_cidr_block == "0.0.0.0/0"
    ])
    error_message = "All three private subnets must go out through the one NAT gateway."
  }

  assert {
    condition     = alltrue([for zone, route in aws_route.private_nat : route.route_table_id == aws_route_table_association.private[zone].route_table_id])
    error_message = "Each private subnet must use the table that holds its route."
  }

  assert {
    condition     = aws_route.public_internet.gateway_id == aws_internet_gateway.this.id && alltrue([for association in aws_route_table_association.public : association.route_table_id == aws_route_table.public.id])
    error_message = "Public subnets must go out through the internet gateway."
  }

  assert {
    condition     = output.task_subnet_ids == output.private_subnet_ids && !output.tasks_need_public_ip
    error_message = "Tasks belong in the private subnets, without public addresses."
  }

  assert {
    condition     = toset(aws_vpc_endpoint.s3.route_table_ids) == toset(concat([aws_route_table.public.id], [for table in aws_route_table.private : table.id])) && aws_vpc_endpoint.s3.service_name == "com.amazonaws.us-east-1.s3"
    error_message = "Every route table must lead to S3 through the gateway endpoint."
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow_log.arn && aws_cloudwatch_log_group.flow_log.retention_in_days == 30
    error_message = "All traffic must be logged to the group, which keeps it for log_retention_days."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.flow_log.policy).Statement[0].Resource == [
      "arn:aws:logs:us-east-1:123456789012:log-group:/vpc/devops-app-test-flow-log",
      "arn:aws:logs:us-east-1:123456789012:log-group:/vpc/devops-app-test-flow-log:*",
    ]
    error_message = "The flow log's role must write to its own group only."
  }

  assert {
    condition     = aws_iam_role.flow_log.permissions_boundary == null
    error_message = "Without a boundary given, the role must carry none."
  }

  assert {
    condition     = length(coalesce(aws_default_security_group.this.ingress, [])) == 0 && length(coalesce(aws_default_security_group.this.egress, [])) == 0
    error_message = "The default security group must allow nothing."
  }
}

run "nat_in_each_zone" {
  variables {
    nat = "per-az"
  }

  assert {
    condition     = output.nat_gateway_zones == tolist(["us-east-1a", "us-east-1b", "us-east-1c"]) && length(aws_eip.nat) == 3
    error_message = "Each zone needs its NAT gateway; got ${jsonencode(output.nat_gateway_zones)}."
  }

  assert {
    condition     = alltrue([for zone, route in aws_route.private_nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "Each private subnet must go out through the NAT gateway of its own zone."
  }

  assert {
    condition     = alltrue([for zone, gateway in aws_nat_gateway.this : gateway.subnet_id == aws_subnet.public[zone].id && gateway.allocation_id == aws_eip.nat[zone].id])
    error_message = "A NAT gateway belongs in its zone's public subnet, with an address of its own."
  }
}

run "no_nat" {
  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.private_nat) == 0
    error_message = "Without NAT there is nothing to pay for and no route to it."
  }

  assert {
    condition     = output.task_subnet_ids == output.public_subnet_ids && output.tasks_need_public_ip
    error_message = "Without NAT, tasks need the public subnets and public addresses to reach ECR."
  }
}

run "two_zones_elsewhere" {
  variables {
    region             = "eu-central-1"
    availability_zones = ["eu-central-1c", "eu-central-1a"]
    vpc_cidr           = "172.20.0.0/16"
    nat                = "per-az"
  }

  assert {
    condition = output.subnet_cidrs == {
      "eu-central-1c" = { public = "172.20.1.0/24", private = "172.20.101.0/24" }
      "eu-central-1a" = { public = "172.20.2.0/24", private = "172.20.102.0/24" }
    }
    error_message = "The order of the zones must decide the blocks; got ${jsonencode(output.subnet_cidrs)}."
  }

  assert {
    condition     = output.private_subnet_ids == [aws_subnet.private["eu-central-1c"].id, aws_subnet.private["eu-central-1a"].id] && length(aws_nat_gateway.this) == 2
    error_message = "Two zones need two private subnets, in the order given, and two NAT gateways."
  }
}

run "flow_log_role_with_a_boundary" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/ci/devops-app-test-boundary"
  }

  assert {
    condition     = aws_iam_role.flow_log.permissions_boundary == var.permissions_boundary
    error_message = "The flow log's role must carry the boundary, or CI may not make it."
  }
}

run "bad_inputs" {
  command = plan

  variables {
    name               = "Devops_App"
    vpc_cidr           = "10.3.0.0/20"
    availability_zones = ["us-east-1a"]
    nat                = "some"
  }

  expect_failures = [var.name, var.vpc_cidr, var.availability_zones, var.nat]
}
