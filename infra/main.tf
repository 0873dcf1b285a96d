# One environment: network, load balancer, secrets, service, monitoring. Everything that differs between environments
# is a variable (variables.tf).

locals {
  name = "${var.project}-${var.environment}"

  common_tags = {
    Environment = var.environment
    Project     = var.project
    Owner       = var.owner
    CreatedBy   = "terraform"
    ManagedBy   = "terraform"
    Application = var.application
  }
}

module "network" {
  source = "./modules/network"

  name                 = local.name
  region               = var.region
  vpc_cidr             = var.vpc_cidr
  availability_zones   = var.availability_zones
  nat                  = var.nat
  log_retention_days   = var.log_retention_days
  permissions_boundary = var.permissions_boundary
}

module "load_balancer" {
  source = "./modules/load-balancer"

  name                         = local.name
  vpc_id                       = module.network.vpc_id
  vpc_cidr                     = var.vpc_cidr
  subnet_ids                   = module.network.public_subnet_ids
  port                         = var.service.port
  certificate_arn              = var.certificate_arn
  deletion_protection          = var.deletion_protection
  deregistration_delay_seconds = var.service.deregistration_delay_seconds

  health_check = {
    path                = var.service.health_check_path
    interval_seconds    = var.service.health_check_interval_seconds
    timeout_seconds     = var.service.health_check_timeout_seconds
    healthy_threshold   = var.service.healthy_threshold
    unhealthy_threshold = var.service.unhealthy_threshold
  }
}

module "ssm" {
  source = "./modules/ssm"

  project     = var.project
  environment = var.environment
  names       = toset(var.service.secrets)
  secrets     = var.secrets
}

module "ecs" {
  source = "./modules/ecs"

  project                         = var.project
  environment                     = var.environment
  application                     = var.application
  region                          = var.region
  image                           = var.image
  vpc_id                          = module.network.vpc_id
  subnet_ids                      = module.network.task_subnet_ids
  assign_public_ip                = module.network.tasks_need_public_ip
  load_balancer_security_group_id = module.load_balancer.security_group_id
  target_group_arn                = module.load_balancer.target_group_arn
  secret_arns                     = module.ssm.parameter_arns
  log_retention_days              = var.log_retention_days
  permissions_boundary            = var.permissions_boundary
  service                         = var.service
}

module "monitoring" {
  source = "./modules/monitoring"

  name                     = local.name
  region                   = var.region
  alarm_email              = var.alarm_email
  runbook_url              = var.runbook_url
  cluster_name             = module.ecs.cluster_name
  service_name             = module.ecs.service_name
  load_balancer_arn_suffix = module.load_balancer.load_balancer_arn_suffix
  target_group_arn_suffix  = module.load_balancer.target_group_arn_suffix
  log_group_name           = module.ecs.log_group_name
  min_tasks                = var.service.scaling.min
  max_tasks                = var.service.scaling.max
}
