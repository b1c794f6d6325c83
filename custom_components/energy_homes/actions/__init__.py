"""The actions, a module for each subject."""
