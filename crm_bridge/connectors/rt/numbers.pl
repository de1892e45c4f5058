#!/usr/bin/perl
# Makes the telephone numbers that stand with Request Tracker's users findable for hotline 1203: RT
# cannot search its own telephone fields over REST2, so each number is written as tel:+66… into the
# custom field `Hotline Phone` too. What stands there stays. Run it daily, on the machine of RT:
#
#     perl -I /usr/share/request-tracker5/lib numbers.pl
use strict;
use utf8;
use warnings;
use RT;

RT::LoadConfig();
RT::Init();

my $name  = shift // 'Hotline Phone';
my $field = RT::CustomField->new( RT->SystemUser );
$field->LoadByName( Name => $name, LookupType => 'RT::User', IncludeGlobal => 1 );
die "There is no custom field $name for users\n" unless $field->Id;

my $users = RT::Users->new( RT->SystemUser );
$users->LimitToEnabled;
my ( $seen, $added ) = ( 0, 0 );
while ( my $user = $users->Next ) {
    my %there;
    my $values = $user->CustomFieldValues( $field->Id );
    while ( my $value = $values->Next ) { $there{ $value->Content } = 1 }
    for my $column (qw(MobilePhone WorkPhone HomePhone)) {
        for my $number ( grep { $_ } map { e164($_) } split m{[,/]|หรือ}, $user->$column // '' ) {
            $seen++;
            next if $there{"tel:$number"}++;
            my ( $ok, $said )
                = $user->AddCustomFieldValue( Field => $field->Id, Value => "tel:$number" );
            $ok ? $added++ : warn sprintf "user %d: %s\n", $user->Id, $said;
        }
    }
}
print "$seen numbers, $added added\n";

# Thai numbers as people write them (081-234-5678, ๐๘๑-๒๓๔-๕๖๗๘, 0 2547 5000 ext. 12, 66812345678), and
# foreign ones with their country; nothing for what is neither.
sub e164 {
    my $text = shift;
    $text =~ tr/๐-๙/0-9/;
    $text =~ s/(?:ext|ต่อ|#|;).*//i;
    $text =~ s/[^0-9+]//g;
    $text =~ s/^00/+/;
    return "+66$1" if $text =~ /^(?:\+?660?|0)([2-9][0-9]{7,8})$/;
    return $text if $text =~ /^\+[1-9][0-9]{7,14}$/;
    return;
}
