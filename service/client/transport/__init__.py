"""The network: deadlines, proxies, failures and retries."""
