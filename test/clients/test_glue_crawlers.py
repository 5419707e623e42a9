"""Crawlers of the Glue API beyond one crawl: schedules, triggers, history."""

import uuid

import pytest

from support.glue import refused, unchecked
from support.identity import allow, iam_user
from support.process import wait_until
from support.server import ACCOUNT, ROLE


def unique(word):
    return f"{word}_{uuid.uuid4().hex[:8]}"


def make(glue, path="s3://nowhere/x/", **more):
    name = unique("crawler")
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName=unique("db"), Targets={"S3Targets": [{"Path": path}]}, **more)
    return name


def crawl(glue, name):
    glue.start_crawler(Name=name)
    wait_until("the crawl ending", lambda: glue.get_crawler(Name=name)["Crawler"]["State"] == "READY", 60)


def test_schedules_are_started_stopped_and_changed(glue):
    name = make(glue)
    refused("NoScheduleException", glue.start_crawler_schedule, CrawlerName=name)
    refused("SchedulerNotRunningException", glue.stop_crawler_schedule, CrawlerName=name)
    glue.update_crawler_schedule(CrawlerName=name, Schedule="cron(15 12 * * ? *)")
    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"] == {"ScheduleExpression": "cron(15 12 * * ? *)", "State": "SCHEDULED"}
    refused("SchedulerRunningException", glue.start_crawler_schedule, CrawlerName=name)
    glue.stop_crawler_schedule(CrawlerName=name)
    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    glue.start_crawler_schedule(CrawlerName=name)
    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"]["State"] == "SCHEDULED"
    refused("EntityNotFoundException", glue.start_crawler_schedule, CrawlerName="none")


@pytest.mark.parametrize("expression", ["every day", "cron(1 2 3)", "cron(60 1 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 1 * 1 *)",
                                        "cron(0 0 ? * ? *)", "cron(5-1 0 * * ? *)", "cron(*/0 0 * * ? *)", "rate(5 minutes)", "cron(0 0 * * ? 99999)"])
def test_schedules_that_are_none_are_refused(glue, expression):
    name = make(glue)
    assert "Invalid Schedule Expression" in refused("InvalidInputException", glue.update_crawler_schedule, CrawlerName=name, Schedule=expression)
    assert "Schedule" not in glue.get_crawler(Name=name)["Crawler"]


def test_a_schedule_is_followed(own_server):
    own = own_server(lake=True)
    glue = own.client("glue", own.add_user("api", superuser=True, access_key=True))
    scheduled = make(glue, Schedule="cron(* * * * ? *)")
    triggered, stopped = make(glue), make(glue, Schedule="cron(* * * * ? *)")
    glue.stop_crawler_schedule(CrawlerName=stopped)
    glue.create_trigger(Name="t", Type="SCHEDULED", Schedule="cron(* * * * ? *)", Actions=[{"CrawlerName": triggered}], StartOnCreation=True)
    for name in (scheduled, triggered):
        wait_until("the schedule being followed", lambda: glue.list_crawls(CrawlerName=name)["Crawls"], 90)
    assert glue.list_crawls(CrawlerName=stopped)["Crawls"] == []


def test_crawls_are_remembered_and_measured(server, glue, bucket):
    server.lake.client().put_object(Bucket=bucket, Key="t/a.csv", Body=b"id,name\n1,one\n2,two\n")
    name = make(glue, f"s3://{bucket}/t/")
    metrics = lambda: glue.get_crawler_metrics(CrawlerNameList=[name])["CrawlerMetricsList"]  # noqa: E731
    assert metrics()[0]["TablesCreated"] == 0 and glue.list_crawls(CrawlerName=name)["Crawls"] == []
    for _ in range(3):
        crawl(glue, name)
    crawls = glue.list_crawls(CrawlerName=name)["Crawls"]
    assert [c["State"] for c in crawls] == ["COMPLETED"] * 3 and len({c["CrawlId"] for c in crawls}) == 3
    assert [c["StartTime"] for c in crawls] == sorted((c["StartTime"] for c in crawls), reverse=True)
    assert '"ADD":{"Count":1}' in crawls[-1]["Summary"] and all(c["EndTime"] >= c["StartTime"] for c in crawls)
    pages = list(glue.list_crawls(CrawlerName=name, MaxResults=2)["Crawls"])
    token = glue.list_crawls(CrawlerName=name, MaxResults=2)["NextToken"]
    pages += glue.list_crawls(CrawlerName=name, MaxResults=2, NextToken=token)["Crawls"]
    assert [c["CrawlId"] for c in pages] == [c["CrawlId"] for c in crawls]
    only = [{"FieldName": "CRAWL_ID", "FilterOperator": "EQ", "FieldValue": crawls[1]["CrawlId"]}]
    assert [c["CrawlId"] for c in glue.list_crawls(CrawlerName=name, Filters=only)["Crawls"]] == [crawls[1]["CrawlId"]]
    failed = [{"FieldName": "STATE", "FilterOperator": "EQ", "FieldValue": "FAILED"}]
    assert glue.list_crawls(CrawlerName=name, Filters=failed)["Crawls"] == []
    refused("InvalidInputException", glue.list_crawls, CrawlerName=name, Filters=[{"FieldName": "START_TIME", "FilterOperator": "GT", "FieldValue": "x"}])
    assert metrics()[0]["TablesCreated"] == 1 and metrics()[0]["MedianRuntimeSeconds"] > 0
    refused("EntityNotFoundException", glue.list_crawls, CrawlerName="none")


def test_a_failed_crawl_is_remembered_with_its_error(glue, bucket):
    name = unique("crawler")
    glue.create_crawler(Name=name, Role=f"arn:aws:iam::{ACCOUNT}:role/nobody", DatabaseName=unique("db"), Targets={"S3Targets": [{"Path": f"s3://{bucket}/x/"}]})
    crawl(glue, name)
    last = glue.list_crawls(CrawlerName=name)["Crawls"][0]
    assert last["State"] == "FAILED" and last["ErrorMessage"] == glue.get_crawler(Name=name)["Crawler"]["LastCrawl"]["ErrorMessage"]


def test_what_a_crawler_changes_is_a_version(server, glue, bucket):
    server.lake.client().put_object(Bucket=bucket, Key="t/a.csv", Body=b"id,name\n1,one\n2,two\n")
    name = make(glue, f"s3://{bucket}/t/")
    crawl(glue, name)
    database = glue.get_crawler(Name=name)["Crawler"]["DatabaseName"]
    at = {"DatabaseName": database, "TableName": "t"}
    assert [v["VersionId"] for v in glue.get_table_versions(**at)["TableVersions"]] == ["0"]
    server.lake.client().put_object(Bucket=bucket, Key="t/a.csv", Body=b"id,name,price\n1,one,1.5\n2,two,2.5\n")
    crawl(glue, name)
    versions = glue.get_table_versions(**at)["TableVersions"]
    columns = [[c["Name"] for c in v["Table"]["StorageDescriptor"]["Columns"]] for v in versions]
    assert columns == [["id", "name", "price"], ["id", "name"]]


def test_a_crawler_needs_its_classifiers(glue):
    name = unique("k")
    refused("EntityNotFoundException", make, glue=glue, Classifiers=[name])
    glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": "$"})
    crawler = make(glue, Classifiers=[name])
    assert glue.get_crawler(Name=crawler)["Crawler"]["Classifiers"] == [name]


def test_crawlers_are_listed_by_tags(glue):
    mark = uuid.uuid4().hex
    one, _ = make(glue, Tags={"mark": mark}), make(glue)
    assert glue.list_crawlers(Tags={"mark": mark}, MaxResults=1000)["CrawlerNames"] == [one]
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:{ACCOUNT}:crawler/{one}")["Tags"] == {"mark": mark}


def test_a_trigger_on_demand_starts_its_crawlers(glue):
    crawler, name = make(glue), unique("trigger")
    assert glue.create_trigger(Name=name, Type="ON_DEMAND", Actions=[{"CrawlerName": crawler}])["Name"] == name
    assert glue.get_trigger(Name=name)["Trigger"] == {"Name": name, "Type": "ON_DEMAND", "State": "CREATED", "Actions": [{"CrawlerName": crawler}]}
    glue.start_trigger(Name=name)
    wait_until("the crawl of the trigger", lambda: "LastCrawl" in glue.get_crawler(Name=crawler)["Crawler"], 60)
    refused("InvalidInputException", glue.stop_trigger, Name=name)
    glue.delete_trigger(Name=name)
    refused("EntityNotFoundException", glue.get_trigger, Name=name)
    glue.delete_trigger(Name=name)


def test_a_scheduled_trigger_is_activated_and_stopped(glue):
    crawler, name = make(glue), unique("trigger")
    glue.create_trigger(Name=name, Type="SCHEDULED", Schedule="cron(0 0 1 1 ? 2199)", Actions=[{"CrawlerName": crawler}])
    state = lambda: glue.get_trigger(Name=name)["Trigger"]["State"]  # noqa: E731
    assert state() == "CREATED"
    glue.start_trigger(Name=name)
    assert state() == "ACTIVATED"
    refused("InvalidInputException", glue.update_trigger, Name=name, TriggerUpdate={"Schedule": "cron(0 1 1 1 ? 2199)"})
    glue.stop_trigger(Name=name)
    assert state() == "DEACTIVATED"
    changed = glue.update_trigger(Name=name, TriggerUpdate={"Schedule": "cron(0 1 1 1 ? 2199)"})["Trigger"]
    assert changed["Schedule"] == "cron(0 1 1 1 ? 2199)"
    assert name in glue.list_triggers(MaxResults=200)["TriggerNames"]
    assert glue.batch_get_triggers(TriggerNames=[name, "none"])["TriggersNotFound"] == ["none"]
    assert name in [t["Name"] for p in glue.get_paginator("get_triggers").paginate() for t in p["Triggers"]]


@pytest.mark.parametrize("code, more", [
    ("EntityNotFoundException", {"Actions": [{"CrawlerName": "none"}]}), ("EntityNotFoundException", {"Actions": [{"JobName": "j"}]}),
    ("InvalidInputException", {"Actions": []}), ("InvalidInputException", {"Actions": [{}]}), ("InvalidInputException", {"Type": "CONDITIONAL"}),
    ("InvalidInputException", {"Type": "WHENEVER"}), ("InvalidInputException", {"Type": "SCHEDULED"}),
    ("InvalidInputException", {"Type": "SCHEDULED", "Schedule": "soon"}), ("InvalidInputException", {"StartOnCreation": True}),
    ("EntityNotFoundException", {"WorkflowName": "w"})])
def test_triggers_that_are_none_are_refused(glue, code, more):
    crawler, name = make(glue), unique("trigger")
    refused(code, unchecked(glue).create_trigger, **{"Name": name, "Type": "ON_DEMAND", "Actions": [{"CrawlerName": crawler}], **more})
    refused("EntityNotFoundException", glue.start_trigger, Name=name)


def test_a_crawlers_role_must_be_passed(server, glue, api_user):
    """Who may make crawlers but not hand over a role would otherwise read with it what it may not read itself."""
    iam = server.client("iam", api_user)
    target = {"S3Targets": [{"Path": "s3://nowhere/x/"}]}
    crawlers = allow(["glue:CreateCrawler", "glue:UpdateCrawler", "glue:DeleteCrawler", "glue:GetCrawler"])
    reader = f"arn:aws:iam::{ACCOUNT}:role/reader"
    passed = {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    with iam_user(server, iam, crawlers) as none, iam_user(server, iam, crawlers, allow("iam:PassRole", reader, Condition=passed)) as some:
        name = unique("passing")
        for role in (ROLE, "lake", "service-role/lake"):
            message = refused("AccessDeniedException", server.client("glue", none).create_crawler, Name=name, Role=role, DatabaseName="d", Targets=target)
            assert "iam:PassRole on resource: arn:aws:iam::" in message
        own = server.client("glue", some)
        refused("AccessDeniedException", own.create_crawler, Name=name, Role=ROLE, DatabaseName="d", Targets=target)
        own.create_crawler(Name=name, Role="reader", DatabaseName="d", Targets=target)
        refused("AccessDeniedException", own.update_crawler, Name=name, Role=ROLE)
        own.update_crawler(Name=name, Description="no role in it")
        assert own.get_crawler(Name=name)["Crawler"]["Role"] == "reader"
        own.delete_crawler(Name=name)
    with iam_user(server, iam, crawlers, allow("iam:PassRole", reader, Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})) as other:
        refused("AccessDeniedException", server.client("glue", other).create_crawler, Name=unique("p"), Role="reader", DatabaseName="d", Targets=target)
