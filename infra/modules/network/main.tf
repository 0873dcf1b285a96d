# The VPC and its subnets: a public and a private one in each zone. Routing is in routes.tf, the flow log in flow-log.tf.

locals {
  # us-east-1a -> "a"; short enough for names and unique in the region.
  zones = {
    for index, zone in var.availability_zones : zone => {
      suffix       = trimprefix(zone, var.region)
      public_cidr  = cidrsubnet(var.vpc_cidr, 8, index + 1)
      private_cidr = cidrsubnet(var.vpc_cidr, 8, index + 101)
    }
  }

  tasks_are_public = var.nat == "none"
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "${var.name}-vpc" }
}

# The group that AWS makes by itself allows everything between its members. Taken over without a rule, so that a
# resource created without a group of its own can't reach anything.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-sg" }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value.public_cidr

  # Public addresses are asked for by whoever needs one (load balancer, NAT gateway, a task with nat = "none").
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-subnet-${each.value.suffix}" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value.private_cidr

  tags = { Name = "${var.name}-private-subnet-${each.value.suffix}" }
}
