"""Writes botocore.json next to this file: requests signed by botocore, for the verifier's tests.

Run with botocore 1.44.5. Access key, secret and time are fixed, so the result never changes.
"""
import datetime
import json
import pathlib
from unittest import mock

import botocore
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FQoG/session+token=="
NOW = datetime.datetime(2026, 11, 20, 9, 8, 7, tzinfo=datetime.timezone.utc)
JSON = {"Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
ECR = "AmazonEC2ContainerRegistry_V20150921."


def cases():
    """Yields name, service, region, method, url, headers, body, with token, seconds if presigned."""
    for token in (False, True):
        kind = "session" if token else "key"
        yield f"ecr, {kind}", "ecr", "eu-west-1", "POST", "http://localhost:5050/", JSON | {"X-Amz-Target": ECR + "DescribeRepositories"}, b"{}", token, None
        yield f"ecr on default port, {kind}", "ecr", "us-east-1", "POST", "https://api.ecr.us-east-1.amazonaws.com/", JSON | {"X-Amz-Target": ECR + "PutImage"}, '{"imageTag":"é"}'.encode(), token, None
        yield f"sts form, {kind}", "sts", "us-east-1", "POST", "http://127.0.0.1:5050/", FORM, b"Action=GetCallerIdentity&Version=2011-06-15", token, None
        yield f"sts presigned, {kind}", "sts", "us-east-1", "GET", "https://sts.example:8443/?Action=GetCallerIdentity&Version=2011-06-15", {"x-k8s-aws-id": "cluster  one"}, b"", token, 60
        yield f"presigned for a week, {kind}", "sts", "ap-southeast-2", "GET", "http://localhost:5050/?Action=GetCallerIdentity&Version=2011-06-15", {}, b"", token, 604800
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        yield f"method {method}", "ecr", "eu-west-1", method, "http://localhost:5050/", {}, b"", False, None
    for path in ("/a/b", "/a/b/", "//a//b", "/./a/../b", "/a%20b", "/%E1%88%B4", "/a:b@c", "/~user/x-y_z.w", "/a%2Fb", "/repository/arn%3Aaws%3Aecr"):
        yield f"path {path}", "ecr", "eu-west-1", "GET", "http://localhost:5050" + path, {}, b"", False, None
    for query in ("b=2&a=1", "a=2&a=1&A=0", "a", "a=&b", "a%20b=c%2Fd", "x=%E1%88%B4&w=~_-.", "q=a%2Bb", "k=v%3Dw"):
        yield f"query {query}", "ecr", "eu-west-1", "GET", "http://localhost:5050/?" + query, {}, b"", False, None
    headers = {"X-Custom": "  a   b\tc ", "X-Empty": "", "X-Commas": "a,  b", "X-Amzn-Trace-Id": "Root=1", "User-Agent": "test", "Expect": "100-continue"}
    yield "odd headers", "ecr", "eu-west-1", "POST", "http://localhost:5050/", headers, b"\x00\xff", False, None
    yield "content hash header", "ecr", "eu-west-1", "POST", "http://localhost:5050/", {"X-Amz-Content-SHA256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, b"{}", False, None
    yield "china", "ecr", "cn-northwest-1", "POST", "http://localhost:5050/", JSON, b"{}", False, None
    yield "large body", "ecr", "eu-west-1", "POST", "http://localhost:5050/", JSON, b"x" * 10_000, False, None


def sign(case):
    name, service, region, method, url, headers, body, token, seconds = case
    request = AWSRequest(method, url, headers=dict(headers), data=body)
    credentials = Credentials(KEY, SECRET, TOKEN if token else None)
    if seconds:
        SigV4QueryAuth(credentials, service, region, expires=seconds).add_auth(request)
    else:
        SigV4Auth(credentials, service, region).add_auth(request)
    prepared = request.prepare()
    scheme, _, rest = prepared.url.partition("://")
    authority, _, target = rest.partition("/")
    sent = [[k, v if isinstance(v, str) else v.decode()] for k, v in prepared.headers.items()]
    default = {"http": ":80", "https": ":443"}[scheme]
    sent.append(["Host", authority.removesuffix(default)])
    return {"name": name, "service": service, "region": region, "method": method, "uri": "/" + target, "headers": sent,
            "body": body.decode("latin-1"), "token": TOKEN if token else None, "expires": seconds}


with mock.patch("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None)):
    signed = [sign(case) for case in cases()]
document = {"botocore": botocore.__version__, "now": int(NOW.timestamp()), "secret": SECRET, "cases": signed}
text = json.dumps(document).replace('{"name"', '\n{"name"') + "\n"
pathlib.Path(__file__).with_name("botocore.json").write_text(text)
