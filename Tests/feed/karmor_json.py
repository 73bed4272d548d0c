"""Messages of the feed as karmor prints them: Go's JSON of the generated structs, which is not protobuf's own JSON."""
import json

from google.protobuf.unknown_fields import UnknownFieldSet

# Printed even where they are 0: KubeArmor's build removes `omitempty` from these two.
ALWAYS = {"PPID", "UID"}


def as_keys(message, event_id=None):
    """The keys of a message in the order of the .proto, empty ones left out. `event_id` is the number of the field EventID, which only
    Portcullis has and which no .proto of KubeArmor's knows."""
    keys = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            # Go sorts the keys of maps.
            value = dict(sorted(value.items()))
        elif field.message_type:
            value = as_keys(value) if message.HasField(field.name) else None
            if value is not None:
                keys[field.name] = value
            continue
        elif field.is_repeated:
            value = list(value)
        if value or (field.name in ALWAYS and field.containing_type.name in ("Alert", "Log")):
            keys[field.name] = value
    for field in UnknownFieldSet(message):
        if field.field_number == event_id:
            keys["EventID"] = field.data.decode()
    return keys


def strangers(message, event_id=None):
    """The numbers of the fields that the description of KubeArmor has not."""
    return {field.field_number for field in UnknownFieldSet(message)} - {event_id}


def line(keys):
    return json.dumps(keys, ensure_ascii=False, separators=(",", ":"))
