# Every environment of the matrix as a whole, HTTPS, two zones in another region, no NAT, without AWS.
# What the modules make of their inputs is tested beside them; here, that they get the right ones.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:mocked" }
  }

  mock_resource "aws_lb" {
    defaults = {
      arn      = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/mocked/0123456789abcdef"
      dns_name = "mocked.us-east-1.elb.amazonaws.com"
    }
  }

  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/mocked/0123456789abcdef" }
  }

  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/mocked/0123456789abcdef/0123456789abcdef" }
  }

  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/mocked" }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/mocked:1" }
  }

  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:us-east-1:123456789012:parameter/mocked" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:mocked" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:rule/mocked" }
  }

  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:mocked" }
  }
}

variables {
  project            = "devops-app"
  environment        = "test"
  application        = "app"
  owner              = "devops-team"
  region             = "us-east-1"
  availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  vpc_cidr           = "10.3.0.0/16"
  nat                = "single"
  image              = "123456789012.dkr.ecr.us-east-1.amazonaws.com/devops-app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  service            = {}
  secrets            = { app-secret = "mocked" }
}

run "test" {
  assert {
    condition = local.common_tags == {
      Environment = "test"
      Project     = "devops-app"
      Owner       = "devops-team"
      CreatedBy   = "terraform"
      ManagedBy   = "terraform"
      Application = "app"
    }
    error_message = "Tags are ${jsonencode(local.common_tags)}, not the spec's six."
  }

  assert {
    condition = (
      output.cluster_name == "devops-app-test-ecs-cluster" &&
      output.service_name == "devops-app-test-ecs-service" &&
      output.log_group_name == "/ecs/devops-app-test" &&
      output.dashboard_name == "devops-app-test-dashboard" &&
      output.secret_parameter_names == tolist(["/devops-app/test/app-secret"])
    )
    error_message = "Names must be <project>-<environment>-<type>."
  }

  assert {
    condition = [for subnets in values(module.network.subnet_cidrs) : "${subnets.public} ${subnets.private}"] == [
      "10.3.1.0/24 10.3.101.0/24", "10.3.2.0/24 10.3.102.0/24", "10.3.3.0/24 10.3.103.0/24",
    ]
    error_message = "Subnets are ${jsonencode(module.network.subnet_cidrs)}."
  }

  assert {
    condition     = length(module.network.nat_gateway_zones) == 1 && length(output.public_subnet_ids) == 3 && length(output.private_subnet_ids) == 3
    error_message = "test must have three zones behind one NAT gateway."
  }

  assert {
    condition     = output.url == "http://mocked.us-east-1.elb.amazonaws.com" && output.image == var.image
    error_message = "url is ${output.url}, image is ${output.image}."
  }
}

run "qa" {
  command = plan

  variables {
    environment = "qa"
    vpc_cidr    = "10.1.0.0/16"
  }

  assert {
    condition     = module.network.subnet_cidrs["us-east-1a"] == { public = "10.1.1.0/24", private = "10.1.101.0/24" } && length(module.network.nat_gateway_zones) == 1
    error_message = "qa must lie in 10.1.0.0/16 behind one NAT gateway."
  }

  assert {
    condition     = output.cluster_name == "devops-app-qa-ecs-cluster" && output.secret_parameter_names == tolist(["/devops-app/qa/app-secret"]) && local.common_tags.Environment == "qa"
    error_message = "Names and tags must say qa."
  }
}

run "staging" {
  command = plan

  variables {
    environment = "staging"
    vpc_cidr    = "10.2.0.0/16"
    nat         = "per-az"
  }

  assert {
    condition     = module.network.subnet_cidrs["us-east-1b"] == { public = "10.2.2.0/24", private = "10.2.102.0/24" } && length(module.network.nat_gateway_zones) == 3
    error_message = "staging must lie in 10.2.0.0/16 with a NAT gateway in each zone."
  }

  assert {
    condition     = output.cluster_name == "devops-app-staging-ecs-cluster" && output.secret_parameter_names == tolist(["/devops-app/staging/app-secret"]) && local.common_tags.Environment == "staging"
    error_message = "Names and tags must say staging."
  }
}

run "prod" {
  command = plan

  variables {
    environment = "prod"
    vpc_cidr    = "10.0.0.0/16"
    nat         = "per-az"
    service     = { scaling = { min = 3 } }
  }

  assert {
    condition     = module.network.subnet_cidrs["us-east-1c"] == { public = "10.0.3.0/24", private = "10.0.103.0/24" } && length(module.network.nat_gateway_zones) == 3
    error_message = "prod must lie in 10.0.0.0/16 with a NAT gateway in each zone."
  }

  assert {
    condition     = output.cluster_name == "devops-app-prod-ecs-cluster" && output.secret_parameter_names == tolist(["/devops-app/prod/app-secret"]) && local.common_tags.Environment == "prod"
    error_message = "Names and tags must say prod."
  }

  assert {
    condition     = var.service.scaling == { min = 3, max = 10, cpu_percent = 70, memory_percent = 80 } && var.service.cpu == 256 && var.service.memory == 512 && var.service.port == 5000
    error_message = "What is not given must be the spec's: ${jsonencode(var.service)}."
  }
}

run "elsewhere" {
  variables {
    project            = "shop"
    environment        = "live"
    region             = "eu-west-1"
    availability_zones = ["eu-west-1a", "eu-west-1b"]
    vpc_cidr           = "10.40.0.0/16"
    nat                = "none"
    certificate_arn    = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c"
    alarm_email        = "ops@example.com"
    service            = { port = 8080, cpu = 512, memory = 1024, secrets = [], spot_weight = 2 }
  }

  assert {
    condition     = startswith(output.url, "https://") && length(output.secret_parameter_names) == 0
    error_message = "With a certificate, url must say https; it is ${output.url}."
  }

  assert {
    condition     = keys(module.network.subnet_cidrs) == ["eu-west-1a", "eu-west-1b"] && length(module.network.nat_gateway_zones) == 0 && module.network.task_subnet_ids == output.public_subnet_ids
    error_message = "Two zones without NAT must have their tasks in the public subnets."
  }

  assert {
    condition     = output.cluster_name == "shop-live-ecs-cluster" && local.common_tags.Project == "shop"
    error_message = "Names and tags must say shop and live."
  }
}
