namespace postrider {}
