// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/why_words.h"

#include "ui/support/format.h"
#include "ui/support/words.h"

#include <QCoreApplication>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("why", source); }

/// The rule is one that the one who is refused can hand to whoever keeps the Redis, as it stands.
QString refusedText(const Capability &capability)
{
    const QString refused = tr("This Redis refuses %1.").arg(text(capability.about));
    return capability.mend.empty() ? refused : refused + ' ' + tr("`%1` allows it.").arg(text(capability.mend));
}

} // namespace

QString whyText(const Capability &capability)
{
    switch (capability.why) {
    case WhyNot::No:
        return {};
    case WhyNot::ReadOnly:
        return tr("The console was started read-only.");
    case WhyNot::NeedsRole:
        return tr("This takes the role %1.").arg(roleWord(capability.role));
    case WhyNot::NeedsSession:
        return tr("This console came with an API token; sign in with an account for this.");
    case WhyNot::NoPortalHere:
        return tr("There is no portal on this machine.");
    case WhyNot::NotRunning:
        return tr("The portal is not running.");
    case WhyNot::Starting:
        return tr("The portal is starting.");
    case WhyNot::Changing:
        return tr("The portal is starting or stopping.");
    case WhyNot::Running:
        return tr("The portal is running.");
    case WhyNot::NoAnswer:
        return tr("The portal does not answer.");
    case WhyNot::NothingDamaged:
        return tr("Nothing of the portal is damaged.");
    case WhyNot::NotOurs:
        return tr("A Redis or a database that was named is not ours to delete.");
    case WhyNot::NoMadeUpUsers:
        return tr("There are no made-up users to remove.");
    case WhyNot::NoRedis:
        return tr("This portal runs without Redis.");
    case WhyNot::CommandRefused:
        return refusedText(capability);
    case WhyNot::TasksWouldBeLost:
        return tr("Tasks that wait would be lost: revoke them on the page Queue.");
    case WhyNot::TheyExpire:
        return tr("The portal's processes tell each other with these keys how they are; they expire by themselves.");
    case WhyNot::NobodyKnows:
        return tr("Whose these keys are is not known, so they are not deleted.");
    case WhyNot::NeedsConfirmation:
        return tr("Somebody is to see what it would touch, and to confirm it.");
    case WhyNot::NotKnownThere:
        return tr("The portal there is of another version, which cannot do this.");
    case WhyNot::NotConfigured:
        return capability.about.empty() ? tr("A watched deployment has no such thing.")
                                        : tr("This deployment's file has no %1.").arg(text(capability.about));
    case WhyNot::FileReadOnly:
        return tr("This deployment's file says read_only.");
    case WhyNot::NotYetWatched:
        return tr("This version does not ask it of a watched deployment.");
    }
    return {};
}

QString linkText(LinkReason reason)
{
    switch (reason) {
    case LinkReason::No:
        return {};
    case LinkReason::NotRunning:
        return tr("The portal is not running.");
    case LinkReason::Starting:
        return tr("The portal is starting.");
    case LinkReason::FirstSample:
        return tr("The first sample has not come yet.");
    case LinkReason::Silent:
        return tr("No sample has come for a while.");
    case LinkReason::Refused:
        return tr("The connection is refused.");
    case LinkReason::Stopping:
        return tr("The portal is stopping.");
    case LinkReason::Gone:
        return tr("The portal has stopped.");
    case LinkReason::NameUnknown:
        return tr("Its name leads to no address.");
    case LinkReason::Unreachable:
        return tr("It cannot be reached.");
    case LinkReason::NotTrusted:
        return tr("It shows no certificate that is trusted here.");
    case LinkReason::NotSignedIn:
        return tr("It does not let this console in.");
    case LinkReason::RoleTooLow:
        return tr("It lets operators and admins look, and nobody else.");
    case LinkReason::OtherProtocol:
        return tr("What answers there is no portal that this console understands.");
    }
    return {};
}

} // namespace portolan::ui
