"""What happens on the network: deadlines, proxies, failures, retries."""
