# Ways in and out: internet gateway, NAT gateways, route tables, and the free path to S3 (where ECR keeps image layers).

locals {
  nat_zones = {
    "per-az" = var.availability_zones
    "single" = slice(var.availability_zones, 0, 1)
    "none"   = []
  }[var.nat]

  # Which NAT gateway a zone's private subnet goes out through; no entry where there is none.
  nat_of_zone = {
    for zone in var.availability_zones : zone => var.nat == "single" ? var.availability_zones[0] : zone
    if var.nat != "none"
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-igw" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public-rt" }
}

resource "aws_route" "public_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = local.zones

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public.id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.name}-nat-eip-${local.zones[each.key].suffix}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-nat-${local.zones[each.key].suffix}" }

  depends_on = [aws_route.public_internet]

  lifecycle {
    # A gateway that goes stays until the routes lead elsewhere.
    create_before_destroy = true
  }
}

# One table for each zone even behind a single NAT gateway: going from "single" to "per-az" then changes routes only.
resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-rt-${each.value.suffix}" }
}

resource "aws_route" "private_nat" {
  for_each = local.nat_of_zone

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id

  lifecycle {
    # With nat = "none", the way out closes when the tasks have moved to the public subnets.
    create_before_destroy = true
  }
}

resource "aws_route_table_association" "private" {
  for_each = local.zones

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([aws_route_table.public.id], [for zone in var.availability_zones : aws_route_table.private[zone].id])

  tags = { Name = "${var.name}-s3-endpoint" }
}
