// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/usage_error.h"

#include "core/base/masking.h"
#include "core/base/settings.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>

namespace portolan::app {

namespace {

std::vector<std::string> commandsOf(const CLI::App &app)
{
    std::vector<std::string> names;
    for (const auto *command : app.get_subcommands([](const CLI::App *) { return true; }))
        names.push_back(command->get_name());
    return names;
}

std::string listed(const std::vector<std::string> &names)
{
    std::string text;
    for (const auto &name : names)
        text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

/// The command the arguments come to, and the word behind it that it would be told on by: none is a command of it.
struct Place
{
    const CLI::App *command;
    std::string next; ///< empty: there is none
};
Place placeOf(const CLI::App &app, const std::vector<std::string> &arguments)
{
    Place place{&app, {}};
    for (const auto &argument : arguments) {
        const auto names = commandsOf(*place.command);
        if (names.empty())
            break;
        if (std::ranges::find(names, argument) == names.end()) {
            place.next = argument;
            break;
        }
        place.command = place.command->get_subcommand(argument);
    }
    return place;
}

std::string nameOf(const CLI::App &command)
{
    const auto *parent = command.get_parent();
    return parent ? nameOf(*parent) + ' ' + command.get_name() : command.get_name();
}

/// The option of an argument without its value: "--redis" of "--redis=…". Empty: it is none, or no word is left that
/// cannot be something else.
std::string optionOf(std::string_view argument)
{
    auto name = argument.substr(0, argument.find('='));
    if (name.starts_with("--") && name.size() > 2 && name.size() <= 40 &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_") == std::string_view::npos)
        return std::string(name);
    return {};
}

bool isSetting(std::string_view option)
{
    return std::ranges::any_of(settingSchema(), [&](const auto &spec) { return spec.option == option; });
}

std::string missingCommand(const CLI::App &app, const Place &place)
{
    const auto names = commandsOf(*place.command);
    const std::string known = "commands of " + nameOf(*place.command) + " are " + listed(names);
    if (place.next.empty())
        return "what to do is not said; " + known;
    if (place.next.starts_with('-')) {
        const auto option = optionOf(place.next);
        if (option.empty() || !isSetting(option))
            return (option.empty() ? std::string("an option") : option) + " stands where a command is expected; " +
                   known;
        return option + " belongs behind the command: " + nameOf(app) + " COMMAND " + option + " …; " + known;
    }
    const auto close = closestTo(place.next, names);
    return "there is no command '" + quotable(place.next, 40) + "'" +
           (close.empty() ? "; " : ", did you mean " + close + "? The ") + known;
}

std::string unexpected(const Place &place, const std::vector<std::string> &extras)
{
    std::vector<std::string> options;
    for (const auto *option : place.command->get_options())
        for (const auto &name : option->get_lnames())
            options.push_back("--" + name);
    for (const auto &extra : extras) {
        const auto option = optionOf(extra);
        if (option.empty())
            continue;
        if (isSetting(option))
            return option + " is not an option of " + nameOf(*place.command) +
                   ", but an option of serve and check-config";
        if (isSecretName(option.substr(2)))
            return option + " is not an option of " + nameOf(*place.command) +
                   "; secrets are read from variables and files, an account's password is asked for, or read from "
                   "standard input";
        const auto close = closestTo(option, options);
        return option + " is not an option of " + nameOf(*place.command) +
               (close.empty() ? std::string() : ", did you mean " + close + "?");
    }
    const bool ofAccounts = place.command->get_parent() && place.command->get_parent()->get_name() == "user";
    return nameOf(*place.command) + " takes no further argument, and was given " + std::to_string(extras.size()) +
           (ofAccounts ? "; an account's password is asked for, or read from standard input" : "");
}

/// The option of a command by its name, without a value.
const CLI::Option *optionNamed(const CLI::App &command, const std::string &name)
{
    return name.starts_with("--") ? command.get_option_no_throw(name) : nullptr;
}

/// Of an option that wants a value and is followed by another option, in words.
std::optional<std::string> missingValue(const CLI::App &app, const std::vector<std::string> &arguments)
{
    const auto place = placeOf(app, arguments);
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        const auto *option = optionNamed(*place.command, arguments[i]);
        const auto next = optionOf(arguments[i + 1]);
        if (option && option->get_items_expected_min() > 0 && optionNamed(*place.command, next))
            return arguments[i] + ": 1 required " + option->get_type_name() + " missing, " + next + " follows";
    }
    return std::nullopt;
}

std::string mistake(const CLI::App &app, const Place &place, const CLI::ParseError &wrong)
{
    const auto extras = app.remaining(true);
    // CLI11 asks for a command before it looks at what it did not expect.
    if (!commandsOf(*place.command).empty())
        return missingCommand(app, place);
    if (dynamic_cast<const CLI::ExtrasError *>(&wrong) && !extras.empty())
        return unexpected(place, extras);
    if (dynamic_cast<const CLI::ArgumentMismatch *>(&wrong)) // which counts arguments, and repeats none
        return wrong.what();
    return quotable(maskSecrets(wrong.what()), 400);
}

std::string withHelp(std::string text, const Place &place)
{
    return std::move(text) + " (see " + nameOf(*place.command) + " --help)";
}

} // namespace

void parse(CLI::App &app, const std::vector<std::string> &arguments)
{
    if (const auto missing = missingValue(app, arguments))
        throw CLI::ArgumentMismatch(*missing);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend())); // as CLI11 takes them
}

std::optional<std::string> unknownCommand(const CLI::App &app, const std::vector<std::string> &words)
{
    const auto place = placeOf(app, words);
    const bool option = place.next.empty() || place.next.starts_with('-');
    return option ? std::nullopt : std::optional(withHelp(missingCommand(app, place), place));
}

std::string usageError(const CLI::App &app, const std::vector<std::string> &arguments, const CLI::ParseError &wrong)
{
    const auto place = placeOf(app, arguments);
    return withHelp(mistake(app, place, wrong), place);
}

} // namespace portolan::app
