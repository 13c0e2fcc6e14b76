"""SampleData: modules register samples; a sample is made from a local file or by its own downloader, never fetched."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import slicer

FIELDS = [
    "sampleName",
    "uris",
    "fileNames",
    "nodeNames",
    "checksums",
    "thumbnailFileName",
    "loadFileTypes",
    "loadFiles",
    "loadFileProperties",
]


class SampleDataSource:
    """A sample: `uris`, `fileNames`, `nodeNames` and `checksums` are lists of one length."""

    def __init__(self, customDownloader=None, **fields):
        unknown = set(fields) - set(FIELDS)
        if unknown:
            raise TypeError(f"SampleDataSource has no {', '.join(sorted(unknown))}")
        for name in FIELDS:
            setattr(self, name, fields.get(name))
        self.customDownloader = customDownloader
        if isinstance(self.uris, str):
            for name in ("uris", "fileNames", "nodeNames", "checksums", "loadFileTypes", "loadFiles"):
                setattr(self, name, [getattr(self, name)])
        self.checksums = self.checksums or [None] * len(self.uris)
        if not len(self.uris) == len(self.fileNames) == len(self.nodeNames) == len(self.checksums):
            raise ValueError("All fields of sample data source must have the same length")

    def __eq__(self, other):
        return vars(self) == vars(other)


class SampleDataLogic:
    """Keeps the samples in slicer.modules.sampleDataSources, by category."""

    @staticmethod
    def registerCustomSampleDataCategory(category, title):
        titles = vars(slicer.modules).setdefault("sampleDataSourceCategories", {})
        titles.setdefault(category, {})["title"] = title

    @staticmethod
    def registerCustomSampleDataSource(category="Custom", **fields):
        sources = vars(slicer.modules).setdefault("sampleDataSources", {}).setdefault(category, [])
        source = SampleDataSource(**fields)
        if source not in sources:
            sources.append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category=None):
        sources = vars(slicer.modules).get("sampleDataSources", {})
        return sources if category is None else sources.get(category, [])

    def sourceForSampleName(self, name):
        every = (source for sources in self.sampleDataSourcesByCategory().values() for source in sources)
        return next((source for source in every if source.sampleName == name), None)

    def downloadFromSource(self, source):
        """Load the files of a sample. As in Slicer, a custom downloader is not asked here, only by `click`."""
        nodes = []
        for uri, name, checksum in zip(source.uris, source.nodeNames, source.checksums, strict=True):
            path = _local_path(uri)
            if (
                checksum
                and slicer.util.computeChecksum(*slicer.util.extractAlgoAndDigest(checksum)[:1], str(path))
                != (slicer.util.extractAlgoAndDigest(checksum)[1])
            ):
                raise ValueError(f"The checksum of {path} is not {checksum}")
            nodes.append(slicer.util.loadVolume(str(path), {"name": name}))
        return nodes

    def downloadSamples(self, name):
        source = self.sourceForSampleName(name)
        return self.downloadFromSource(source) if source else []

    def downloadSample(self, name):
        return self.downloadSamples(name)[0]


def click(name: str):
    """What the button of a sample in the Sample Data module does."""
    source = SampleDataLogic().sourceForSampleName(name)
    return source.customDownloader(source) if source.customDownloader else SampleDataLogic().downloadFromSource(source)


def downloadSample(sampleName):
    """The first node of a sample."""
    return SampleDataLogic().downloadSample(sampleName)


def downloadSamples(sampleName):
    """All nodes of a sample."""
    return SampleDataLogic().downloadSamples(sampleName)


def _local_path(uri: str) -> Path:
    parts = urlparse(uri)
    if parts.scheme not in ("", "file"):
        raise ConnectionError(f"The Slicer stand-in has no network to download {uri}")
    return Path(url2pathname(parts.path))
