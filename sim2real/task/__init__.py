"""What a task rewards, ends, measures and shows a critic: terms, the true state they see, and episode evaluation."""
