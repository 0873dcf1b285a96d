# The network, which AWS names by ids: what is new must be tagged as this environment's, what exists must be so tagged.

locals {
  ec2 = "arn:${local.partition}:ec2:${var.region}:${local.account}"

  asked_as_ours = { "aws:RequestTag/Project" = var.project, "aws:RequestTag/Environment" = var.environment }
  is_ours       = { "aws:ResourceTag/Project" = var.project, "aws:ResourceTag/Environment" = var.environment }

  # One statement for each: together, a request's tags would open other environments' VPCs as parents.
  network_creations = {
    CreateVpc                     = "vpc"
    CreateSubnet                  = "subnet"
    CreateRouteTable              = "route-table"
    CreateInternetGateway         = "internet-gateway"
    CreateNatGateway              = "natgateway"
    AllocateAddress               = "elastic-ip"
    CreateVpcEndpoint             = "vpc-endpoint"
    CreateSecurityGroup           = "security-group"
    CreateFlowLogs                = "vpc-flow-log"
    AuthorizeSecurityGroupIngress = "security-group-rule"
    AuthorizeSecurityGroupEgress  = "security-group-rule"
  }

  network_statements = concat(
    [
      for action, type in local.network_creations : {
        Sid       = "New${action}"
        Effect    = "Allow"
        Action    = "ec2:${action}"
        Resource  = "${local.ec2}:${type}/*"
        Condition = { StringEquals = local.asked_as_ours }
      }
    ],
    [
      {
        Sid       = "TagNew"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "${local.ec2}:*/*"
        Condition = { StringEquals = merge(local.asked_as_ours, { "ec2:CreateAction" = keys(local.network_creations) }) }
      },
      {
        # A VPC comes with a group of its own that has no tags yet; Terraform takes it over to empty it.
        Sid       = "TagDefaultGroup"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "${local.ec2}:security-group/*"
        Condition = { StringEquals = local.asked_as_ours, Null = { "aws:ResourceTag/Project" = "true" } }
      },
      {
        # Also what an action needs on the resources it builds upon, such as the VPC of a new subnet.
        Sid    = "ChangeOurs"
        Effect = "Allow"
        Action = concat([for action in keys(local.network_creations) : "ec2:${action}" if action != "CreateVpc"], [
          "ec2:AssociateRouteTable",
          "ec2:AttachInternetGateway",
          "ec2:CreateRoute",
          "ec2:CreateTags",
          "ec2:DeleteFlowLogs",
          "ec2:DeleteInternetGateway",
          "ec2:DeleteNatGateway",
          "ec2:DeleteRoute",
          "ec2:DeleteRouteTable",
          "ec2:DeleteSecurityGroup",
          "ec2:DeleteSubnet",
          "ec2:DeleteVpc",
          "ec2:DeleteVpcEndpoints",
          "ec2:DetachInternetGateway",
          "ec2:DisassociateAddress",
          "ec2:DisassociateRouteTable",
          "ec2:ModifySecurityGroupRules",
          "ec2:ModifySubnetAttribute",
          "ec2:ModifyVpcAttribute",
          "ec2:ModifyVpcEndpoint",
          "ec2:ReleaseAddress",
          "ec2:ReplaceRoute",
          "ec2:ReplaceRouteTableAssociation",
          "ec2:RevokeSecurityGroupEgress",
          "ec2:RevokeSecurityGroupIngress",
          "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
          "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
        ])
        Resource  = "${local.ec2}:*/*"
        Condition = { StringEquals = local.is_ours }
      },
    ],
    [
      # Whose a thing is stays as it was tagged at first.
      for key, value in { Project = var.project, Environment = var.environment } : {
        Sid                       = "Keep${key}"
        Effect                    = "Deny"
        Action                    = "ec2:CreateTags"
        Resource                  = "${local.ec2}:*/*"
        Condition                 = { StringNotEquals = { "aws:RequestTag/${key}" = value }, Null = { "aws:RequestTag/${key}" = "false" } }
      }
    ],
  )
}
