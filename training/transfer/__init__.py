"""Transfer studies: policies trained with several curricula for the same time, evaluated in unseen worlds."""
