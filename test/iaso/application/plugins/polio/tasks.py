def weekly_email():
    return "sent"
