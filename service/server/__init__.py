"""The processes of the service, and the application that joins the other folders."""
