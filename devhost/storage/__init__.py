"""Azure Storage for functions: the queue trigger, the queue output, the blob input and output.

Here belongs what knows of storage accounts; not what functions are, nor how one is invoked.
Only `queue_client` and `blob_client` import the SDKs, and only an app with such a binding imports those two.
"""
