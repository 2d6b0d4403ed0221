# What a first project with Terraform has: a role, a layer, a log group and a function of them. No setting names Hearth:
# AWS_ENDPOINT_URL does.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  s3_use_path_style = true
}

variable "memory" {
  type    = number
  default = 128
}

variable "retention" {
  type    = number
  default = 7
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = "terraformed"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = { stage = "test" }
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_policy" "objects" {
  name = "terraformed-objects"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "objects" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.objects.arn
}

resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:*", Resource = "*" }] })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/terraformed"
  retention_in_days = var.retention
  tags              = { stage = "test" }
}

resource "aws_lambda_layer_version" "this" {
  layer_name          = "terraformed"
  filename            = "${path.module}/layer.zip"
  source_code_hash    = filebase64sha256("${path.module}/layer.zip")
  compatible_runtimes = ["python3.11", "python3.12"]
}

resource "aws_lambda_function" "this" {
  function_name    = "terraformed"
  description      = "made by Terraform"
  role             = aws_iam_role.this.arn
  runtime          = "python3.11"
  handler          = "app.handler"
  filename         = "${path.module}/function.zip"
  source_code_hash = filebase64sha256("${path.module}/function.zip")
  layers           = [aws_lambda_layer_version.this.arn]
  memory_size      = var.memory
  timeout          = 5
  tags             = { stage = "test" }

  ephemeral_storage {
    size = 600
  }
  environment {
    variables = { STAGE = "test" }
  }
  depends_on = [aws_cloudwatch_log_group.this]
}

data "aws_lambda_function" "this" {
  function_name = aws_lambda_function.this.function_name
}

output "account" {
  value = data.aws_caller_identity.me.account_id
}

output "function" {
  value = data.aws_lambda_function.this.arn
}
