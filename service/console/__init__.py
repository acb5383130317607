"""The reviewer's pages: HTML from records, rendered on the server, without scripts."""
