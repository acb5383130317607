"""Reports for a period, a party or a jurisdiction, and the registers of transfers that laws ask to be kept."""
