"""The commands of the desk; :mod:`envoi_desk.commands` lists them."""
