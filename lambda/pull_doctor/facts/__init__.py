"""What AWS answers: questions, the readers that ask them, and the plan of what to ask."""
