"""What the sandboxes of all CRMs share: the HTTPS server and the made-up book of customers."""
