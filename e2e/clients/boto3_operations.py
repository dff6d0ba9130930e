"""One operation of the registry through boto3: `boto3_operations.py OPERATION`.

Endpoint, region and credentials come from the environment. Operations build on one another in the order in which the
run calls them; bytes are fixed, so that a later operation knows the digests of an earlier one.
"""

import hashlib
import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

REPOSITORY = "sdk/app"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
PART = 5 * 1024 * 1024
LAYER = bytes(range(256)) * (PART // 256) + b"the last part is short"
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()

ecr = boto3.client("ecr")


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type, data):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor("application/vnd.oci.image.config.v1+json", CONFIG),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", LAYER)],
    }
)
IMAGE = digest(MANIFEST.encode())
ARN = f"arn:aws:ecr:us-east-1:000000000000:repository/{REPOSITORY}"


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def refused(name, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        same(error.response["Error"]["Code"], name)
        same(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        return error.response
    raise AssertionError(f"no {name}")


def upload(data):
    begun = ecr.initiate_layer_upload(repositoryName=REPOSITORY)
    first = 0
    while first < len(data):
        part = data[first : first + PART]
        answer = ecr.upload_layer_part(
            repositoryName=REPOSITORY,
            uploadId=begun["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
        first += len(part)
        same(answer["lastByteReceived"], first - 1)
    return begun["uploadId"]


def complete(data):
    return ecr.complete_layer_upload(
        repositoryName=REPOSITORY, uploadId=upload(data), layerDigests=[digest(data)]
    )


def get_caller_identity():
    answer = boto3.client("sts").get_caller_identity()
    same(answer["Account"], "000000000000")
    same(answer["Arn"], "arn:aws:iam::000000000000:root")


def get_authorization_token():
    answer = ecr.get_authorization_token()
    same(len(answer["authorizationData"]), 1)
    named = ecr.get_authorization_token(registryIds=["000000000000"])
    same(named["authorizationData"][0]["proxyEndpoint"], answer["authorizationData"][0]["proxyEndpoint"])


def create_repository():
    answer = ecr.create_repository(
        repositoryName=REPOSITORY,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
        encryptionConfiguration={"encryptionType": "KMS"},
        tags=[{"Key": "team", "Value": "platform"}],
    )
    same(answer["repository"]["imageTagMutability"], "IMMUTABLE_WITH_EXCLUSION")
    same(answer["repository"]["encryptionConfiguration"]["encryptionType"], "KMS")
    refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName=REPOSITORY)


def describe_repositories():
    for number in range(5):
        ecr.create_repository(repositoryName=f"sdk/page-{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    names = [one["repositoryName"] for page in pages for one in page["repositories"]]
    same(sorted(names), sorted([REPOSITORY] + [f"sdk/page-{number}" for number in range(5)]))
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["sdk/absent"])


def put_image_tag_mutability():
    for mode in ["MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"]:
        filters = [{"filterType": "WILDCARD", "filter": "dev-*"}] if mode.endswith("EXCLUSION") else None
        extra = {"imageTagMutabilityExclusionFilters": filters} if filters else {}
        answer = ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability=mode, **extra)
        same(answer["imageTagMutability"], mode)
        same(answer.get("imageTagMutabilityExclusionFilters"), filters)


def put_image_scanning_configuration():
    answer = ecr.put_image_scanning_configuration(
        repositoryName=REPOSITORY, imageScanningConfiguration={"scanOnPush": True}
    )
    same(answer["imageScanningConfiguration"], {"scanOnPush": True})


def tag_resource():
    ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "stage", "Value": "test"}])
    refused(
        "InvalidTagParameterException", ecr.tag_resource, resourceArn=ARN, tags=[{"Key": "aws:x", "Value": "y"}]
    )


def list_tags_for_resource():
    tags = {tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=ARN)["tags"]}
    same(tags, {"team": "platform", "stage": "test"})


def untag_resource():
    ecr.untag_resource(resourceArn=ARN, tagKeys=["team", "stage"])
    same(ecr.list_tags_for_resource(resourceArn=ARN)["tags"], [])


def describe_registry():
    answer = ecr.describe_registry()
    same(answer["registryId"], "000000000000")
    same(answer["replicationConfiguration"], {"rules": []})


def put_account_setting():
    same(ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")["value"], "ENABLED")


def get_account_setting():
    same(ecr.get_account_setting(name="BLOB_MOUNTING")["value"], "ENABLED")


def initiate_layer_upload():
    answer = ecr.initiate_layer_upload(repositoryName=REPOSITORY)
    same(len(answer["uploadId"]), 36)
    refused("RepositoryNotFoundException", ecr.initiate_layer_upload, repositoryName="sdk/absent")


def upload_layer_part():
    begun = upload(LAYER)
    answer = refused(
        "InvalidLayerPartException",
        ecr.upload_layer_part,
        repositoryName=REPOSITORY,
        uploadId=begun,
        partFirstByte=0,
        partLastByte=3,
        layerPartBlob=b"skew",
    )
    same(answer["lastValidByteReceived"], len(LAYER) - 1)


def complete_layer_upload():
    refused(
        "InvalidLayerException",
        ecr.complete_layer_upload,
        repositoryName=REPOSITORY,
        uploadId=upload(b"some bytes"),
        layerDigests=[digest(b"other bytes")],
    )
    same(complete(LAYER)["layerDigest"], digest(LAYER))
    same(complete(CONFIG)["layerDigest"], digest(CONFIG))


def batch_check_layer_availability():
    answer = ecr.batch_check_layer_availability(
        repositoryName=REPOSITORY, layerDigests=[digest(LAYER), digest(b"absent")]
    )
    states = {layer["layerDigest"]: layer["layerAvailability"] for layer in answer["layers"]}
    same(states.get(digest(LAYER)), "AVAILABLE")
    same(states.get(digest(b"absent"), "UNAVAILABLE"), "UNAVAILABLE")


def put_image():
    answer = ecr.put_image(repositoryName=REPOSITORY, imageManifest=MANIFEST, imageTag="v1")
    same(answer["image"]["imageId"], {"imageDigest": IMAGE, "imageTag": "v1"})
    same(answer["image"]["imageManifest"], MANIFEST)
    refused(
        "ImageAlreadyExistsException",
        ecr.put_image,
        repositoryName=REPOSITORY,
        imageManifest=MANIFEST,
        imageTag="v1",
    )
    other = MANIFEST.replace('"schemaVersion": 2', '"schemaVersion":  2')
    refused(
        "ImageTagAlreadyExistsException",
        ecr.put_image,
        repositoryName=REPOSITORY,
        imageManifest=other,
        imageTag="v1",
    )
    missing = MANIFEST.replace(digest(LAYER), digest(b"absent"))
    refused("LayersNotFoundException", ecr.put_image, repositoryName=REPOSITORY, imageManifest=missing)


def batch_get_image():
    answer = ecr.batch_get_image(
        repositoryName=REPOSITORY, imageIds=[{"imageTag": "v1"}, {"imageDigest": IMAGE}, {"imageTag": "no"}]
    )
    same({image["imageManifest"] for image in answer["images"]}, {MANIFEST})
    same([failure["failureCode"] for failure in answer["failures"]], ["ImageNotFound"])


def describe_images():
    [detail] = ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    same((detail["imageDigest"], detail["imageTags"]), (IMAGE, ["v1"]))
    if detail["imageSizeInBytes"] < len(LAYER):
        raise AssertionError(f"size {detail['imageSizeInBytes']}")
    refused(
        "ImageNotFoundException", ecr.describe_images, repositoryName=REPOSITORY, imageIds=[{"imageTag": "no"}]
    )


def list_images():
    pages = ecr.get_paginator("list_images").paginate(
        repositoryName=REPOSITORY, PaginationConfig={"PageSize": 1}
    )
    listed = [one for page in pages for one in page["imageIds"]]
    same(listed, [{"imageDigest": IMAGE, "imageTag": "v1"}])


def list_image_referrers():
    note = json.loads(MANIFEST)
    note["artifactType"] = "application/vnd.example.note"
    note["subject"] = {"mediaType": MANIFEST_TYPE, "digest": IMAGE, "size": len(MANIFEST)}
    note = json.dumps(note)
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=note)
    answer = ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": IMAGE})
    same([one["digest"] for one in answer["referrers"]], [digest(note.encode())])


def get_download_url_for_layer():
    answer = ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=digest(LAYER))
    with urllib.request.urlopen(answer["downloadUrl"]) as body:
        same(digest(body.read()), digest(LAYER))
    refused(
        "LayersNotFoundException",
        ecr.get_download_url_for_layer,
        repositoryName=REPOSITORY,
        layerDigest=digest(b"absent"),
    )


def batch_delete_image():
    answer = ecr.batch_delete_image(
        repositoryName=REPOSITORY, imageIds=[{"imageTag": "v1"}, {"imageTag": "no"}]
    )
    same(answer["imageIds"], [{"imageDigest": IMAGE, "imageTag": "v1"}])
    same([failure["failureCode"] for failure in answer["failures"]], ["ImageNotFound"])


def delete_repository():
    refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName=REPOSITORY)
    ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    refused("RepositoryNotFoundException", ecr.delete_repository, repositoryName=REPOSITORY)


globals()[sys.argv[1]]()
