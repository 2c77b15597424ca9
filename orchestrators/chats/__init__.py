"""The parts of a group chat: who speaks, their turns, its end, its summaries. `orchestrators.group_chat` joins them.

Belongs here: what decides the next durable action of a chat. Does not belong here: rules that need no action, which
are `domain.chats` and `domain.chat_stops`.
"""
