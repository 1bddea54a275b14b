"""What people edit in Rakurs: users, tokens, loads, audit."""
