// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever bytes lie in a queue: reading them must not crash, and what is put back must be read as the same task.

#include "core/base/json_numbers.h"
#include "core/queue/control_message.h"
#include "core/queue/json_text.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"
#include "core/queue/results.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace portolan;
using namespace portolan::queue;

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

void sameTask(const Message &a, const Message &b)
{
    require(a.id == b.id && a.task == b.task && a.body == b.body && a.bodyEncoded == b.bodyEncoded);
    require(a.eta == b.eta && a.expires == b.expires && a.retries == b.retries && a.priority == b.priority);
    require(a.hardLimit == b.hardLimit && a.softLimit == b.softLimit && a.routingKey == b.routingKey);
    require(a.redelivered == b.redelivered && a.ignoreResult == b.ignoreResult && a.notify == b.notify);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string input(reinterpret_cast<const char *>(data), size);
    if (const Result<TaskResult> result = parseResult(input))
        require(isFinite(result->result));
    (void)decodeControl(input);
    (void)decodeReply(input);
    if (const auto time = parseIsoTime(input))
        require(parseIsoTime(isoTime(*time)).has_value());

    Message readable;
    const Result<Message> message = decode(input, &readable);
    if (!message) {
        require(readable.raw == input && readable.id.size() <= maxIdBytes);
        return 0;
    }
    const Result<std::string> once = rewrite(message->raw, {});
    require(once.has_value());
    const Result<std::string> twice = rewrite(*once, {});
    require(twice.has_value());
    const Result<Message> again = decode(*once);
    require(again.has_value());
    sameTask(*message, *again);
    // Not compared as text: Boost.JSON reads a number of 70 digits as one of the doubles next to it, each time anew.
    const Result<Message> third = decode(*twice);
    require(third.has_value());
    sameTask(*again, *third);
    require(payload(*message).has_value() == payload(*again).has_value());

    Changes changes;
    changes.redelivered = true;
    changes.retries = 3;
    const Result<std::string> changed = rewrite(message->raw, changes);
    require(changed.has_value());
    const Result<Message> back = decode(*changed);
    require(back.has_value() && back->redelivered && back->retries == 3);
    require(message->protocol == 1 || back->body == message->body);
    if (const Result<Payload> decoded = payload(*message)) {
        (void)pythonRepr(decoded->args);
        (void)pythonRepr(decoded->kwargs, 16);
        // What is written again is JSON, whatever stood for a long integer meanwhile.
        const std::string text = text::ofValue(boost::json::array{decoded->args, decoded->kwargs, decoded->embed});
        boost::system::error_code code;
        (void)parseExactly(text, code, maxJsonDepth + 1);
        require(!code);
    }
    return 0;
}
