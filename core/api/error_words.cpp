// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/error_words.h"

#include <utility>

namespace portolan {

namespace {

bool isTold(const Error &error, const FieldError &field, std::string_view detail)
{
    // Of several fields the message names the first at most, in words that may be those of the others too.
    return error.message.find(field.pointer + ' ' + std::string(detail)) != std::string::npos ||
           (error.fields.size() == 1 && error.message.find(detail) != std::string::npos);
}

} // namespace

std::string wordsOf(const Error &error)
{
    constexpr std::string_view more = ", …"; // the others follow
    Error told = error;
    told.fields.clear();
    if (told.message.ends_with(more))
        told.message.erase(told.message.size() - more.size());
    for (const FieldError &field : error.fields) {
        std::string_view detail = field.detail;
        while (detail.ends_with('.'))
            detail.remove_suffix(1);
        if (detail.empty() || isTold(error, field, detail))
            continue;
        const bool isSentence = detail.front() >= 'A' && detail.front() <= 'Z';
        std::string name = field.pointer;
        if (isSentence)
            name = error.fields.size() == 1 || name.empty() ? "" : name + ':';
        told.fields.push_back({std::move(name), field.detail});
    }
    return inWords(told);
}

} // namespace portolan
