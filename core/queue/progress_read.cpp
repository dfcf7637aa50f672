// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/progress_read.h"

#include "core/base/given_text.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::queue {

namespace json = boost::json;

namespace {

constexpr std::size_t longestNote = 4096;
constexpr std::size_t mostMembers = 64; ///< of a meta that are looked at

// The usual spellings, the best known first: ours, Celery's documentation and celery-progress, tqdm. As folded() has
// them, so that total_steps, totalSteps and TotalSteps are one name.
using Names = std::span<const std::string_view>;
constexpr std::string_view doneNames[] = {"done",     "current",  "completed", "complete",    "processed",
                                          "finished", "position", "step",      "currentstep", "n"};
/// Of these alone nobody knows what they count.
constexpr std::string_view weakDoneNames[] = {"i", "count", "value", "index"};
constexpr std::string_view totalNames[] = {"total", "max", "maximum", "of", "totalsteps", "steps", "totalcount"};
constexpr std::string_view weakTotalNames[] = {"count", "n", "size"};
constexpr std::string_view leftNames[] = {"remaining", "left", "todo"};
constexpr std::string_view percentNames[] = {"percent",     "percentage",      "pct", "perc", "percentcomplete",
                                             "percentdone", "percentcompleted"};
/// A share of 1, or percent: the value decides.
constexpr std::string_view shareNames[] = {"progress", "fraction", "ratio", "completion"};
constexpr std::string_view innerNames[] = {"progress", "meta", "result"};
constexpr std::string_view noteNames[] = {"note",   "description", "desc", "message", "msg",  "status",
                                          "detail", "info",        "text", "stage",   "step", "currentstep"};

std::string folded(std::string_view name)
{
    std::string out;
    for (const char c : name)
        if (c != '_' && c != '-' && c != ' ')
            out += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    return out;
}

std::string_view viewOf(const json::string &text) { return {text.data(), text.size()}; }

std::optional<double> numberIn(std::string_view text)
{
    text = trimmed(text);
    double number = 0;
    const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || last != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return std::clamp(number, 0.0, 1e15);
}

/// A number, or a text that is one (Python's Decimal becomes one), with or without a percent sign.
std::optional<double> numberOf(const json::value &value)
{
    if (const json::string *text = value.if_string()) {
        std::string_view digits = trimmed(viewOf(*text));
        if (digits.ends_with('%'))
            digits.remove_suffix(1);
        return numberIn(digits);
    }
    if (!value.is_number())
        return std::nullopt;
    const double number = value.to_number<double>();
    return std::isfinite(number) ? std::optional(std::clamp(number, 0.0, 1e15)) : std::nullopt;
}

std::uint64_t whole(double number) { return static_cast<std::uint64_t>(number); }

Progress percentOf(double percent) { return {whole(std::min(percent, 100.0) + 0.5), 100, {}}; }

Progress partOf(double done, double total)
{
    done = std::min(done, total);
    if (total > 0 && (done != std::floor(done) || total != std::floor(total)))
        return percentOf(done / total * 100);
    return {whole(done), whole(total), {}};
}

/// 0.3 and 1.0 are shares, 30, 30.0 and 1 are percent.
Progress shareOf(const json::value &value, double number)
{
    const json::string *text = value.if_string();
    const bool fraction =
        text ? viewOf(*text).find('.') != std::string_view::npos && !text->ends_with('%') : value.is_double();
    return percentOf(fraction && number <= 1 ? number * 100 : number);
}

/// "3/10", "3 of 10", "30 %".
std::optional<Progress> progressIn(std::string_view text)
{
    text = trimmed(text);
    for (const std::string_view between : {"/", " of "})
        if (const auto at = text.find(between); at != std::string_view::npos) {
            const auto done = numberIn(text.substr(0, at));
            const auto total = numberIn(text.substr(at + between.size()));
            return done && total && *total > 0 ? std::optional(partOf(*done, *total)) : std::nullopt;
        }
    if (!text.ends_with('%'))
        return std::nullopt;
    const auto percent = numberIn(text.substr(0, text.size() - 1));
    return percent ? std::optional(percentOf(*percent)) : std::nullopt;
}

/// A meta that is an object.
class Members final
{
public:
    explicit Members(const json::object &object)
    {
        for (const json::key_value_pair &member : object) {
            if (m_members.size() == mostMembers)
                break;
            m_members.emplace_back(folded({member.key().data(), member.key().size()}), &member.value());
        }
    }

    const json::value *find(std::string_view name) const
    {
        const auto found = std::ranges::find(m_members, name, &std::pair<std::string, const json::value *>::first);
        return found == m_members.end() ? nullptr : found->second;
    }

    /// The first of the names that has a number.
    const json::value *number(Names names) const
    {
        for (const std::string_view name : names)
            if (const json::value *value = find(name); value && numberOf(*value))
                return value;
        return nullptr;
    }

    std::string note() const
    {
        for (const std::string_view name : noteNames) {
            const json::value *value = find(name);
            const json::string *text = value ? value->if_string() : nullptr;
            if (!text || numberOf(*value) || progressIn(viewOf(*text)))
                continue;
            const std::string_view all = viewOf(*text);
            return all.size() <= longestNote ? std::string(all) : std::string(cutText(all, longestNote)) + "…";
        }
        return {};
    }

private:
    std::vector<std::pair<std::string, const json::value *>> m_members;
};

std::optional<Progress> countedIn(const Members &members)
{
    const json::value *done = members.number(doneNames);
    const json::value *total = members.number(totalNames);
    const json::value *index = members.number(weakDoneNames);
    if (!total && (done || index)) { // {"i": 3, "n": 10}, {"current": 3, "count": 10}
        const json::value *size = members.number(weakTotalNames);
        const json::value *counted = size && size == done ? index : done ? done : index;
        if (size && counted != size)
            return partOf(*numberOf(*counted), *numberOf(*size));
    }
    if (!done && total)
        done = index;
    const json::value *left = members.number(leftNames);
    const auto number = [](const json::value *value) { return *numberOf(*value); };
    if (done && !total && left)
        return partOf(number(done), number(done) + number(left));
    if (!done && total && left)
        return partOf(std::max(0.0, number(total) - number(left)), number(total));
    if (done && total && number(total) > 0)
        return partOf(number(done), number(total));
    return std::nullopt;
}

std::optional<Progress> figuresOf(const json::value &meta, int depth)
{
    if (const json::array *pair = meta.if_array(); pair && pair->size() == 2) {
        const auto done = numberOf((*pair)[0]);
        const auto total = numberOf((*pair)[1]);
        return done && total ? std::optional(partOf(*done, *total)) : std::nullopt;
    }
    if (meta.is_number()) {
        const auto number = numberOf(meta); // none of an infinite one
        return number ? std::optional(shareOf(meta, *number)) : std::nullopt;
    }
    if (const json::string *text = meta.if_string())
        return progressIn(viewOf(*text));
    const json::object *object = meta.if_object();
    if (!object)
        return std::nullopt;
    const Members members(*object);
    const auto noted = [&](Progress progress) {
        if (progress.note.empty())
            progress.note = members.note();
        return progress;
    };
    if (const auto counted = countedIn(members))
        return noted(*counted);
    if (const json::value *percent = members.number(percentNames))
        return noted(percentOf(*numberOf(*percent)));
    if (const json::value *share = members.number(shareNames))
        return noted(shareOf(*share, *numberOf(*share)));
    if (depth == 0)
        for (const std::string_view name : innerNames)
            if (const json::value *inner = members.find(name))
                if (const auto found = figuresOf(*inner, 1))
                    return noted(*found);
    const json::value *done = members.number(doneNames);
    const json::value *total = members.number(totalNames);
    if (!done && !total)
        return std::nullopt;
    return noted({done ? whole(*numberOf(*done)) : 0, total ? whole(*numberOf(*total)) : 0, {}});
}

} // namespace

std::optional<Progress> progressOf(const json::value &meta) { return figuresOf(meta, 0); }

std::string progressNote(const json::value &meta)
{
    if (const json::string *text = meta.if_string()) {
        const std::string_view all = viewOf(*text);
        return all.size() <= longestNote ? std::string(all) : std::string(cutText(all, longestNote)) + "…";
    }
    const json::object *object = meta.if_object();
    return object ? Members(*object).note() : std::string();
}

} // namespace portolan::queue
