# What the network offers. Subnets are handed out only once traffic can leave them.

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Address range of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Public subnets, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]

  depends_on = [aws_route.public_internet, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.private_nat, aws_route_table_association.private]
}

output "task_subnet_ids" {
  description = "Where tasks belong: the private subnets, or the public ones with nat = \"none\"."
  value = [
    for zone in var.availability_zones :
    local.tasks_are_public ? aws_subnet.public[zone].id : aws_subnet.private[zone].id
  ]

  # A task started before its way out exists can't pull its image.
  depends_on = [
    aws_route.public_internet,
    aws_route.private_nat,
    aws_route_table_association.public,
    aws_route_table_association.private,
    aws_vpc_endpoint.s3,
  ]
}

output "tasks_need_public_ip" {
  description = "Whether tasks need a public address to reach AWS: true with nat = \"none\"."
  value       = local.tasks_are_public
}

output "subnet_cidrs" {
  description = "Address blocks of the subnets by zone: { <zone> = { public, private } }."
  value = {
    for zone in var.availability_zones : zone => {
      public  = aws_subnet.public[zone].cidr_block
      private = aws_subnet.private[zone].cidr_block
    }
  }
}

output "nat_gateway_zones" {
  description = "Zones that hold a NAT gateway."
  value       = sort(keys(aws_nat_gateway.this))
}

output "flow_log_group_name" {
  description = "CloudWatch log group of the flow log."
  value       = aws_cloudwatch_log_group.flow_log.name
}
